/// Opens a model to use it: from a folder, a GGUF file or a hub name to a loaded decoder, its
/// tokenizer and chat template. Training is not known here.
///
/// Read [ModelSetup], then [LoadedModel]; [TrainedModelWriter] writes what was trained.
package org.attune.models;
