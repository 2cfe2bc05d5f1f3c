package org.attune.text.parse.protocol;

import org.attune.json.Json;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.parse.ToolProtocol;
import org.attune.text.parse.TurnParser;
import org.attune.text.parse.family.Families;
import org.attune.text.parse.turn.FormatParser;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// Calls as JSON between `<tool_call>` and `</tool_call>`, for models whose chat template knows no
/// tools. Results come back as a user's message, each between `<tool_response>` and its end.
final class HermesProtocol implements ToolProtocol {
    private final PlainMessages messages;
    private final TurnParser parser;
    private final boolean isPlain;

    /// @param ends what ends a turn
    /// @param headers what a turn begins with
    /// @param isPlain whether there is no chat template
    /// @param hasSystem whether there may be a system message
    HermesProtocol(List<String> ends, List<String> headers, boolean isPlain, boolean hasSystem) {
        this.messages =
                new PlainMessages(
                        HermesProtocol::notes,
                        HermesProtocol::call,
                        HermesProtocol::results,
                        hasSystem);
        this.parser = new FormatParser(Families.TOOL_CALL.format(ends, headers));
        this.isPlain = isPlain;
    }

    @Override
    public String key() {
        return "hermes";
    }

    @Override
    public Conversation written(Conversation conversation) {
        return messages.of(conversation);
    }

    private static String notes(List<Object> tools) {
        return """
        You can call these tools, each described by a JSON schema:
        <tools>
        %s
        </tools>
        To call one, write an object with its name and arguments between tags:
        <tool_call>
        {"name": "NAME", "arguments": {…}}
        </tool_call>\
        """
                .formatted(tools.stream().map(Json::write).collect(Collectors.joining("\n")));
    }

    private static String call(Map<?, ?> function) {
        var call = new LinkedHashMap<String, Object>();
        call.put("name", function.get("name"));
        call.put("arguments", function.get("arguments"));
        return "<tool_call>\n" + Json.write(call) + "\n</tool_call>";
    }

    private static String results(List<Message> answers) {
        return answers.stream()
                .map(answer -> "<tool_response>\n" + answer.content() + "\n</tool_response>")
                .collect(Collectors.joining("\n"));
    }

    @Override
    public String writtenPlainly(List<Message> answers) {
        return "\n" + results(answers) + "\n";
    }

    @Override
    public TurnParser parser() {
        return parser;
    }

    @Override
    public List<String> stops() {
        return isPlain ? List.of("</tool_call>") : List.of();
    }
}
