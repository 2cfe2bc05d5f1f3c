/// What rows mean: TRL's dataset types, and the formats of other tools, which are converted to
/// TRL's columns.
///
/// Read [DatasetType], then [Sample], [RowInterpreter] (row to sample) and [Conversions].
/// [LlamaFactoryFormat] reads ShareGPT and Alpaca rows, [QuestionColumns] questions and answers
/// under other names. To add a format read `docs/add-a-format.md`.
package org.attune.datasets.formats;
