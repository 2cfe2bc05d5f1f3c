package org.attune.text.parse.protocol;

import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolProtocol;
import org.attune.text.parse.TurnParser;
import org.attune.text.parse.TurnStream;
import org.attune.text.parse.turn.ArgumentTypes;
import org.attune.text.parse.turn.CallReader.CallReading;
import org.attune.text.parse.turn.FormatParser;
import org.attune.text.parse.turn.Mark;
import org.attune.text.parse.turn.PythonPattern;
import org.attune.text.parse.turn.Region;
import org.attune.text.parse.turn.TurnFormat;
import org.attune.text.parse.turn.TurnFormat.Opening;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/// Calls on separate lines, `call calc 12*7`, and results on lines that begin with `=`. It is short
/// enough for the smallest models.
final class LineProtocol implements ToolProtocol {
    private static final Mark CALL =
            Mark.of(PythonPattern.compile("(?:\\A|\\n)[ \\t]{0,20}call[ \\t]{1,20}(?=\\S)"));

    private final List<String> ends;
    private final boolean isPlain;
    private final boolean hasSystem;

    /// @param ends what ends a turn
    /// @param isPlain whether there is no chat template, so that a line is a turn
    /// @param hasSystem whether there may be a system message
    LineProtocol(List<String> ends, boolean isPlain, boolean hasSystem) {
        this.ends = List.copyOf(ends);
        this.isPlain = isPlain;
        this.hasSystem = hasSystem;
    }

    @Override
    public String key() {
        return "line";
    }

    @Override
    public Conversation written(Conversation conversation) {
        var types = new ArgumentTypes(conversation.tools());
        return new PlainMessages(
                        LineProtocol::notes,
                        function -> call(function, types),
                        LineProtocol::results,
                        hasSystem)
                .of(conversation);
    }

    private static String notes(List<Object> tools) {
        String lines = tools.stream().map(LineProtocol::note).collect(Collectors.joining("\n"));
        return """
        You can call tools. Write a call on a line of its own and stop there:
        %s
        The result comes on a line that begins with =.\
        """
                .formatted(lines);
    }

    private static String note(Object tool) {
        Map<?, ?> map = (Map<?, ?>) tool;
        Map<?, ?> function = map.get("function") instanceof Map<?, ?> f ? f : map;
        String name = String.valueOf(function.get("name"));
        String parameters =
                new ArgumentTypes(List.of(tool))
                        .parameters(name).stream()
                                .map(parameter -> " " + parameter.toUpperCase(Locale.ROOT))
                                .collect(Collectors.joining());
        Object description = function.get("description");
        return "call " + name + parameters + (description == null ? "" : " — " + description);
    }

    private static String call(Map<?, ?> function, ArgumentTypes types) {
        Map<?, ?> arguments = function.get("arguments") instanceof Map<?, ?> map ? map : Map.of();
        return "call " + CallLine.write(String.valueOf(function.get("name")), arguments, types);
    }

    private static String results(List<Message> answers) {
        return answers.stream()
                .map(answer -> "= " + answer.content())
                .collect(Collectors.joining("\n"));
    }

    @Override
    public String writtenPlainly(List<Message> answers) {
        return results(answers) + "\n";
    }

    @Override
    public TurnParser parser() {
        return new LineParser(ends);
    }

    @Override
    public List<String> stops() {
        return isPlain ? List.of("\n") : List.of();
    }

    private record LineParser(List<String> ends) implements TurnParser {
        @Override
        public ParsedTurn parse(String prefix, String text, List<Object> tools) {
            return parser(tools).parse("", text, tools);
        }

        @Override
        public TurnStream open(String prefix, List<Object> tools) {
            return parser(tools).open("", tools);
        }

        private TurnParser parser(List<Object> tools) {
            var types = new ArgumentTypes(tools);
            var calls =
                    new Region.Calls(
                            List.of(Mark.before("\n")),
                            List.of(),
                            true,
                            (line, _) -> CallReading.of(List.of(CallLine.read(line, types))));
            return new FormatParser(
                    new TurnFormat(
                            List.of(Opening.of(CALL, calls)),
                            ends.stream().map(Mark::of).toList(),
                            List.of(),
                            ends,
                            List.of(),
                            _ -> "",
                            "reasoning_content",
                            Map.of(),
                            true,
                            true));
        }
    }
}
