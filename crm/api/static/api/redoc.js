// Starts ReDoc on our document. Its search needs a worker made from a blob, which our policy does not allow.
const reader = document.getElementById("reader");

window.Redoc.init(reader.dataset.schema, { disableSearch: true, hideDownloadButton: false }, reader);
