package org.attune.text.parse.turn;

import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;
import org.attune.text.parse.TurnEvent;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The message of a turn, as far as it was read, and the events that weren't told yet.
final class TurnMessage {
    private final TurnFormat format;
    private final ArgumentTypes types;
    private final List<Object> entries = new ArrayList<>();
    private final List<ToolCall> calls = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();
    private final List<TurnEvent> events = new ArrayList<>();

    /// Further fields.
    final Map<String, Object> values;

    final JoinedText content;
    final JoinedText reasoning;

    TurnMessage(TurnFormat format, ArgumentTypes types) {
        this.format = format;
        this.types = types;
        this.values = PythonRules.copy(format.defaults());
        this.content =
                new JoinedText(
                        format.isStripped(), text -> events.add(new TurnEvent.Content(text)));
        this.reasoning =
                new JoinedText(
                        format.isStripped(), text -> events.add(new TurnEvent.Reasoning(text)));
    }

    /// Takes what calls can be taken.
    ///
    /// @param raw text of the region
    /// @throws UnreadableException if none can
    void take(CallReader.CallReading reading, String raw) {
        var taken = new ArrayList<WrittenCall>();
        var refused = new ArrayList<String>();
        for (WrittenCall call : reading.calls()) {
            try {
                taken.add(call.checked(types));
            } catch (UnreadableException e) {
                refused.add(e.getMessage());
            }
        }
        if (taken.isEmpty() && !refused.isEmpty()) {
            throw new UnreadableException(refused.getFirst());
        }
        if (taken.isEmpty()) {
            content.append(reading.content());
            return;
        }
        taken.forEach(call -> take(call, raw));
        refused.forEach(this::problem);
        stretch(PythonRules.without(reading.content(), format.controls()));
    }

    private void take(WrittenCall written, String raw) {
        Optional<String> id =
                written.entry().get("id") instanceof String text
                        ? Optional.of(text)
                        : Optional.empty();
        var call = new ToolCall(id, written.name(), written.arguments(), raw);
        calls.add(call);
        entries.add(written.entry());
        events.add(new TurnEvent.Call(call));
    }

    /// Keeps as content what can't be read as a call, joined to the text around it as it was
    /// written.
    void unreadable(String reason, String raw) {
        problem(reason);
        content.append(PythonRules.without(raw, format.controls()));
    }

    private void problem(String reason) {
        String problem = "a call of a tool can't be read: " + reason;
        problems.add(problem);
        events.add(new TurnEvent.Problem(problem));
    }

    private void stretch(String text) {
        content.endStretch();
        content.append(text);
        content.endStretch();
    }

    /// What was told since the last time.
    List<TurnEvent> heard() {
        List<TurnEvent> heard = List.copyOf(events);
        events.clear();
        return heard;
    }

    ParsedTurn turn() {
        var fields = new LinkedHashMap<String, Object>();
        fields.put("role", "assistant");
        fields.putAll(values);
        if (!reasoning.toString().isEmpty()) {
            fields.put(format.reasoningKey(), reasoning.toString());
        }
        fields.put("content", content.toString());
        if (!entries.isEmpty()) {
            fields.put("tool_calls", List.copyOf(entries));
        }
        return new ParsedTurn(
                new Message(fields), calls, problems, calls.isEmpty() && !problems.isEmpty());
    }
}
