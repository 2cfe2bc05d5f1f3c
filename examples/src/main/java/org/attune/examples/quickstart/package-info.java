/// The embedded model and the data of the quickstart, all made here, so that a whole run needs no
/// download.
///
/// Read [ModelRecipe] for what `examples/model` was trained from, and [TinyModel] for its shape and
/// tokenizer. [QuickstartData] has what it is trained on further and measured with.
package org.attune.examples.quickstart;
