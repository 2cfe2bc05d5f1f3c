package org.attune.langchain4j;

import static org.attune.langchain4j.Script.say;

import dev.langchain4j.data.image.Image;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.service.common.AbstractAiServiceWithToolsIT;

import org.attune.serve.LocalModels;
import org.attune.serve.ScriptedModels;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;

import java.util.List;
import java.util.Map;

/// What LangChain4j asks of AI services with tools: the model writes calls, LangChain4j runs them,
/// and the model answers by their results.
@Tag("thorough")
class AiServiceToolKitTest extends AbstractAiServiceWithToolsIT {
    private static final List<Map.Entry<String, List<String>>> LINES =
            List.of(
                    say("Now add 47", add(124, 47)),
                    say(result("151"), "They are 124 and 151."),
                    say("73 plus 78", add(37, 87) + "\n" + add(73, 78)),
                    say(result("124"), "37 + 87 = 124"),
                    say("37 plus 87", add(37, 87)),
                    say(result("20"), "It is 20."),
                    say(result("5"), call("multiply", Map.of("arg0", 5, "arg1", 4))),
                    say("multiply the result", add(2, 3)),
                    say(result("Success"), "Done."),
                    say(result(""), "It is empty."),
                    say(result(" "), "It is blank."),
                    say("'modify'", call("modify", Map.of("arg0", 7))),
                    say(
                            "37 years old",
                            process(
                                    Map.of(
                                            "name", "Klaus", "age", 37, "height", 1.78, "married",
                                            false))),
                    say(
                            "Langley Falls",
                            process(
                                    Map.of(
                                            "name",
                                            "Klaus",
                                            "address",
                                            Map.of("city", "Langley Falls")))),
                    say(
                            "Steve and Hayley",
                            process(
                                    Map.of(
                                            "name",
                                            "Francine",
                                            "children",
                                            List.of(child("Steve"), child("Hayley"))))),
                    say("17:11:45", "It is 17:11:45."),
                    say("What is the time now", call("currentTime", Map.of())),
                    say(result("19"), "It is 19 degrees."),
                    say(
                            "temperature in Munich",
                            call(
                                    "currentTemperature",
                                    Map.of("arg0", "Munich", "arg1", "CELSIUS"))),
                    say("42 years old", process(Map.of("Klaus", 42, "Francine", 47))),
                    say(
                            "following names",
                            call("processNames", Map.of("arg0", List.of("Klaus", "Franny")))),
                    say("RED and GREEN", process(List.of("RED", "GREEN"))),
                    say("37, 73", call("processNumbers", Map.of("arg0", List.of(37, 73)))),
                    say(
                            "following people",
                            process(List.of(Map.of("name", "Klaus"), Map.of("name", "Franny")))),
                    say(result("Alice"), "It is Alice."),
                    say(
                            "username with ID",
                            call(
                                    "getUsernameFromId",
                                    Map.of("arg0", "62dbcc27-aaf3-449a-b12d-5a904271a57f"))),
                    say("Take a photo", call("takePhoto", Map.of())));

    private LocalModels local;

    private static String call(String tool, Map<String, Object> arguments) {
        return ScriptedModels.call(tool, arguments);
    }

    /// What a tool gave, as the model reads it.
    private static String result(String text) {
        return "<tool_response>\n" + text + "\n</tool_response>";
    }

    private static String add(int a, int b) {
        return call("add", Map.of("arg0", a, "arg1", b));
    }

    private static String process(Object argument) {
        return call("process", Map.of("arg0", argument));
    }

    private static Map<String, Object> child(String name) {
        return Map.of("name", name, "children", List.of());
    }

    @BeforeAll
    void open() {
        local = Script.open(LINES);
    }

    @AfterAll
    void close() {
        local.close();
    }

    @Override
    protected List<ChatModel> models() {
        return List.of(AttuneChatModel.of(local));
    }

    @Override
    protected boolean supportsRecursion() {
        return true;
    }

    /// A picture of no page of the web.
    @Override
    protected Image catImage() {
        return Image.builder().base64Data("iVBORw0KGgo=").mimeType("image/png").build();
    }
}
