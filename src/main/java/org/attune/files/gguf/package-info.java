/// Reads [GGUF](https://github.com/ggml-org/ggml/blob/master/docs/gguf.md) files: header, tensors
/// in their quantised types, vocabulary.
///
/// Read [GgufFile], then [GgufTokenizer].
package org.attune.files.gguf;
