/// What a model is: its sizes, its family and its position embedding, read from `config.json` or a
/// GGUF file and written back.
///
/// A family of models that see is a row of `VisionFamily`: a reader of its `vision_config` that
/// chooses parts ([VisionEncoder], [VisionConfig.Connector]) and a row of [VisionConfig.Names].
/// Parts that no family has yet are new choices there, and computed in `model.layer`:
/// `PatchEmbedding`, `VisionBlock`, `PatchRotation`, `Connector`, put together by `VisionTower`.
/// [VisionConfig] says where a picture's patches lie ([VisionEncoder.Grid]) and how many rows they
/// become.
///
/// Read [DecoderConfig], then [DecoderFamily]. Dimensions: `D` hidden size, `F` inner size of the
/// feed-forward part, `C` key and value heads, `G` query heads a key head, `K` head size, `V`
/// vocabulary.
package org.attune.model.config;
