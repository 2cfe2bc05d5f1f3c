/// What a model is: its sizes, its family and its position embedding, read from `config.json` or a
/// GGUF file and written back.
///
/// Read [DecoderConfig], then [DecoderFamily]. Dimensions: `D` hidden size, `F` inner size of the
/// feed-forward part, `C` key and value heads, `G` query heads a key head, `K` head size, `V`
/// vocabulary.
package org.attune.model.config;
