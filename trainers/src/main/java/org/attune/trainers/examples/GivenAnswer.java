package org.attune.trainers.examples;

/// An answer that a row holds, after its prompt.
///
/// @param name its place in the row, as `chosen`
/// @param tokens prompt and answer
public record GivenAnswer(String name, CompletionTokens tokens) {}
