// Only what is used of the library: an import() of the package itself would bring all of it.
import Sortable from 'sortablejs';

export default Sortable;
