/// Makes a `tokenizer.json` of vocabularies in other forms: SentencePiece's `.model`, Mistral's
/// `tekken.json`, and what a GGUF file holds.
package org.attune.text.vocab;
