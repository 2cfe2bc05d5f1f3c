/// Tables of strangers, from file to run. [TableReader] finds out delimiter, encoding and header,
/// [MappingGuess] what columns are for. [MappedRows] makes rows for training, and [AutoPlan] the
/// run that suits them. Facts of columns get points by a table that people can read (`scores.tsv`);
/// what is in doubt is refused with the options that settle it.
package org.attune.auto;
