/// The quickstart's world: letter puzzles, a tokenizer and a tiny model, all made here, so that a
/// whole run from random weights to a preference-tuned adapter needs no download.
///
/// Read [LetterTask] for the puzzles, [QuickstartData] for what is trained on and held out,
/// [TinyModel] for the model, and [Quickstart] for the program that writes them.
package org.attune.examples.quickstart;
