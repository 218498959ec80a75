// htmx 4. The extensions look for a global, so it is set before they load.
import htmx from 'htmx.org';
window.htmx = htmx;
export default htmx;
