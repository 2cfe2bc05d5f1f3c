package org.attune.text.parse;

/// What has become sure of a turn while it is being written.
public sealed interface TurnEvent {
    /// More of the message's content. All of them joined are the content.
    record Content(String text) implements TurnEvent {}

    /// More of the reasoning before the answer. All of them joined are the reasoning.
    record Reasoning(String text) implements TurnEvent {}

    /// A call that is complete.
    record Call(ToolCall call) implements TurnEvent {}

    /// A call that can't be read, in words for the model.
    record Problem(String text) implements TurnEvent {}
}
