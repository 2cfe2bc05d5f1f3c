package org.attune.datasets.examples;

/// An answer that a row holds, after its prompt.
///
/// @param name what the row says of it, `chosen` say
/// @param tokens prompt and answer
public record GivenAnswer(String name, CompletionTokens tokens) {}
