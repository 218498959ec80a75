// Starts ReDoc on our document. Its search needs a worker made from a blob, which our policy does not allow; nor is the
// picture that its footer asks its maker's host for.
const reader = document.getElementById("reader");

window.Redoc.init(reader.dataset.schema, { disableSearch: true }, reader);
