package org.attune.text.parse.family;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.json.Json;
import org.attune.text.parse.Cuts;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;
import org.attune.text.parse.turn.FormatParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

class FamiliesTest {
    private static final List<Object> TOOLS =
            List.of(
                    Json.parse(
                            """
                            {"name": "add", "parameters": {"properties": {
                              "a": {"type": "integer"}, "b": {"type": "string"},
                              "c": {"type": "object"}}}}
                            """));

    private static FormatParser parser(String family) {
        return Families.all().stream()
                .filter(f -> f.name().equals(family))
                .map(f -> new FormatParser(f.format(List.of("<eos>"), List.of())))
                .findFirst()
                .orElseThrow();
    }

    private static ParsedTurn parse(String family, String prefix, String text) {
        Cuts.check(parser(family), prefix, text, TOOLS);
        return parser(family).parse(prefix, text, TOOLS);
    }

    private static String calls(ParsedTurn turn) {
        return turn.calls().stream().map(FamiliesTest::shown).collect(Collectors.joining(" "));
    }

    private static String shown(ToolCall call) {
        return call.name() + Json.write(call.arguments());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            textBlock =
                    """
                    tool_call ~ <tool_call>\\n{"name": "add", "arguments": {"a": 1}}\\n</tool_call>
                    tool_call ~ <tool_call>{"name": "add", "parameters": "{\\"a\\": 1}"}</tool_call>
                    tool_call ~ <tool_call>```json\\n[{"name": "add", "arguments": {"a": 1}}]\\n```</tool_call>
                    tool_call ~ <tool_call>\\n<function=add>\\n<parameter=a>\\n1\\n</parameter>\\n</function>\\n</tool_call>
                    tool_call ~ <tool_call>\\n<function=add>\\n<parameter=a>\\n1\\n</function>\\n</tool_call>
                    tool_call ~ <tool_call>add\\n<arg_key>a</arg_key>\\n<arg_value>1</arg_value>\\n</tool_call>
                    llama3 ~ {"name": "add", "parameters": {"a": 1}}
                    llama3 ~ { "parameters" : {"a": 1}, "name" : "add" }<|eot_id|>
                    llama3 ~ <|python_tag|>{"name": "add", "parameters": {"a": 1}}<|eom_id|>
                    llama3 ~ <|python_tag|>add.call(a=1)<|eom_id|>
                    llama4 ~ [add(a="1")]<|eot|>
                    llama4 ~ <|python_start|>[add(a=1)]<|python_end|><|eot|>
                    olmo3 ~ <function_calls>\\nadd(a=1)\\n</function_calls><|im_end|>
                    lfm2 ~ <|tool_call_start|>[add(a=1)]<|tool_call_end|>
                    lfm2 ~ <|tool_call_start|>[{"name": "add", "arguments": {"a": 1}}]<|tool_call_end|>
                    mistral ~ [TOOL_CALLS] [{"name": "add", "arguments": {"a": 1}, "id": "abcdefghi"}]</s>
                    mistral ~ [TOOL_CALLS]add[CALL_ID]abcdefghi[ARGS]{"a": 1}<eos>
                    mistral ~ [TOOL_CALLS]add[ARGS]{"a": 1}
                    deepseek ~ <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>add\\n```json\\n{"a": 1}\\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>
                    deepseek ~ <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>add<｜tool▁sep｜>{"a": 1}<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜>
                    harmony ~ <|channel|>commentary to=functions.add <|constrain|>json<|message|>{"a": 1}<|call|>
                    harmony ~ ` to=functions.add<|channel|>commentary json<|message|>{"a": 1}<|call|>`
                    harmony ~ <|channel|>analysis to=functions.add code<|message|>{"a": 1}<|call|>
                    gemma4 ~ <|tool_call>call:add{a:1}<tool_call|><|tool_response>
                    kimi ~ <|tool_calls_section_begin|><|tool_call_begin|>functions.add:0<|tool_call_argument_begin|>{"a": 1}<|tool_call_end|><|tool_calls_section_end|>
                    minimax ~ <minimax:tool_call>\\n<invoke name="add">\\n<parameter name="a">1</parameter>\\n</invoke>\\n</minimax:tool_call>
                    seed ~ <seed:tool_call>\\n<function=add>\\n<parameter=a>1</parameter>\\n</function>\\n</seed:tool_call><seed:eos>
                    apertus ~ <|tools_prefix|>[{"add": {"a": 1}}]<|tools_suffix|>
                    internlm2 ~ <|action_start|><|plugin|>\\n{"name": "add", "arguments": {'a': 1}}<|action_end|><|im_end|>
                    nemotron2 ~ <TOOLCALL>[{"name": "add", "arguments": {"a": 1}}]</TOOLCALL>
                    command ~ <|START_ACTION|>[{"tool_call_id": "0", "tool_name": "add", "parameters": {"a": 1}}]<|END_ACTION|>
                    command ~ Action: ```json\\n[{"tool_name": "add", "parameters": {"a": 1}}]\\n```
                    command ~ Action:\\n```json\\n[{"tool_name": "add", "parameters": {"a": 1}}]\\n```
                    phi4 ~ functools[{"name": "add", "arguments": {"a": 1}}]<|end|>
                    phi4 ~ <|tool_call|>[{"name": "add", "arguments": {"a": 1}}]<|/tool_call|><|end|>
                    granite ~ <|tool_call|>[{"name": "add", "arguments": {"a": 1}}]<|end_of_text|>
                    functionary ~ add\\n{"a": 1}<|eot_id|>
                    """)
    void readsACall(String family, String text) {
        ParsedTurn turn = parse(family, "", text.replace("\\n", "\n"));
        assertEquals("add{\"a\": 1}", calls(turn));
        assertEquals("", turn.message().content());
        assertEquals(List.of(), turn.problems());
    }

    @Test
    void runsTheGoodCallsOfATurnWithABadOne() {
        ParsedTurn turn =
                parse(
                        "tool_call",
                        "",
                        """
                        So.
                        <tool_call>{"name": oops}</tool_call>
                        <tool_call>{"name": "add", "arguments": {}}</tool_call>
                        Then.<|im_end|>
                        """);
        assertEquals("add{}", calls(turn));
        assertEquals(
                "So.\n<tool_call>{\"name\": oops}</tool_call>\nThen.", turn.message().content());
        assertEquals(
                List.of(
                        "a call of a tool can't be read: no JSON: line 1, column 10: a value was"
                                + " expected, got 'o'"),
                turn.problems());
    }

    @Test
    void takesNoCallThatWasCut() {
        for (String text :
                List.of(
                        "<tool_call>\n<function=add>\n<parameter=a>\n1\n</parameter>\n",
                        "<tool_call>\n{\"name\": \"add\", \"argum",
                        "<tool_call>add\n<arg_key>a</arg_key>\n<arg_value>1")) {
            ParsedTurn turn = parse("tool_call", "", text);
            assertEquals("", calls(turn));
            assertEquals(1, turn.problems().size());
            assertTrue(turn.isFallback());
            assertEquals(text.strip(), turn.message().content());
        }
    }

    @Test
    void closesNothingWithinStrings() {
        assertEquals(
                "add{\"b\": \"</tool_call>\"}",
                calls(
                        parse(
                                "tool_call",
                                "",
                                "<tool_call>{\"name\": \"add\", \"arguments\": {\"b\":"
                                        + " \"</tool_call>\"}}</tool_call>")));
        assertEquals(
                "add{\"b\": \"), f(\"}",
                calls(parse("lfm2", "", "<|tool_call_start|>[add(b='), f(')]<|tool_call_end|>")));
        assertEquals(
                "add{\"b\": \"a</tool_call>\"}",
                calls(
                        parse(
                                "tool_call",
                                "",
                                "<tool_call><function=add><parameter=b>a</tool_call></parameter>"
                                        + "</function></tool_call>")));
    }

    /// Seed and MiniMax write values right between the tags, so their line breaks are their own.
    @Test
    void keepsLineBreaksOfValuesThatHaveNoLinesOfTheirOwn() {
        String value = "\n  x\n";
        assertEquals(
                "add{\"a\": 1, \"b\": \"\\n  x\\n\"}",
                calls(
                        parse(
                                "seed",
                                "",
                                "<seed:tool_call>\n<function=add>\n<parameter=a>\n1\n</parameter>\n"
                                        + "<parameter=b>"
                                        + value
                                        + "</parameter>\n</function>\n</seed:tool_call>")));
        assertEquals(
                "add{\"b\": \"\\n  x\\n\"}",
                calls(
                        parse(
                                "minimax",
                                "",
                                "<minimax:tool_call>\n<invoke name=\"add\">\n<parameter name=\"b\">"
                                        + value
                                        + "</parameter>\n</invoke>\n</minimax:tool_call>")));
        assertEquals(
                "add{\"b\": \"  x\"}",
                calls(
                        parse(
                                "tool_call",
                                "",
                                "<tool_call>\n<function=add>\n<parameter=b>"
                                        + value
                                        + "</parameter>\n</function>\n</tool_call>")));
    }

    @Test
    void readsKeysOfGemmaThatAreNoWords() {
        assertEquals(
                "add{\"c\": {\"Content-Type\": \"a, b: {c}\", \"first name\": [{\"n.1\": null}]},"
                        + " \"a\": 1}",
                calls(
                        parse(
                                "gemma4",
                                "",
                                "<|tool_call>call:add{c:{Content-Type:<|\"|>a, b: {c}<|\"|>,first"
                                        + " name:[{n.1:null}]},a:1}<tool_call|><|tool_response>")));
    }

    @Test
    void takesNoTextForCalls() {
        assertEquals("", calls(parse("lfm2", "", "See, add(x) and more, f(y).<|im_end|>")));
        ParsedTurn answer = parse("llama3", "", "An {\"name\": \"Bob\", \"age\": 3} indeed");
        assertEquals("An {\"name\": \"Bob\", \"age\": 3} indeed", answer.message().content());
        assertEquals(List.of(), answer.problems());
    }

    /// What isn't valid JSON is the model's text, whatever it looks like.
    @Test
    void keepsTheTextOfBrokenCalls() {
        for (String text :
                List.of(
                        "{\"name\": \"add\", \"parameters\": {\"a\": }}",
                        "{\"name\": \"add\", \"parameters\": {\"a\": 1",
                        "Look: {\"name\": \"add\", \"parameters\": {'a': 1}}  so",
                        "a {\"name\": \"add\", \"parameters\": {\"a\": 1,}}\n\n{\"name\": \"add\"",
                        "[ {\"name\": \"add\", \"parameters\": {\"b\": \"x}}]")) {
            ParsedTurn turn = parse("llama3", "", text + "<|eot_id|>");
            assertEquals("", calls(turn));
            assertEquals(text, turn.message().content());
            assertEquals(1, turn.problems().size());
        }
        ParsedTurn cut =
                parse(
                        "llama3",
                        "",
                        "{\"name\": \"add\", \"parameters\": {}}; {\"name\": \"add\","
                                + " \"p<|eot_id|>");
        assertEquals("add{}", calls(cut));
        assertEquals("; {\"name\": \"add\", \"p", cut.message().content());
        assertEquals(1, cut.problems().size());
    }

    @Test
    void endsReasoningWithTheTurn() {
        ParsedTurn turn = parse("tool_call", "<|im_start|>assistant\n<think>\n", "Hm.<|im_end|>");
        assertEquals("Hm.", turn.reasoning());
        assertEquals("", turn.message().content());
        assertEquals("Hm.", parse("tool_call", "x<think>\n", "Hm.\n").reasoning());
        assertEquals("", parse("tool_call", "<think>\n\n</think>\n\n", "Hm.").reasoning());
    }

    @Test
    void joinsStretchesOfTextAndReasoning() {
        ParsedTurn turn =
                parse("tool_call", "", "<think>a</think> b <think>c</think>\nd<|im_end|>");
        assertEquals("a\nc", turn.reasoning());
        assertEquals("b\nd", turn.message().content());
    }

    @Test
    void readsTheMessagesOfGptOss() {
        ParsedTurn turn =
                parse(
                        "harmony",
                        "<|start|>user<|message|>Hi<|end|><|start|>assistant",
                        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>"
                            + "commentary<|message|>Wait.<|end|><|start|>assistant"
                            + " to=functions.add<|channel|>commentary json<|message|>{}<|call|>");
        assertEquals("Hm.", turn.reasoning());
        assertEquals("Wait.", turn.message().content());
        assertEquals("add{}", calls(turn));
    }

    @Test
    void readsPythonWithinValues() {
        assertEquals(
                "add{\"c\": {\"x\": [1, null, true]}}",
                calls(
                        parse(
                                "seed",
                                "",
                                "<seed:tool_call><function=add><parameter=c>{'x': [1, None, True]}"
                                        + "</parameter></function></seed:tool_call>")));
        assertEquals(
                "add{\"b\": \"a \\\"b\\\" \\\\ c\"}",
                calls(parse("llama4", "", "[add(b=\"a \"b\" \\ c\")]<|eot|>")));
    }

    @Test
    void keepsTheIdsThatModelsGive() {
        ToolCall call =
                parse("mistral", "", "[TOOL_CALLS]add[CALL_ID]abcdefghi[ARGS]{}")
                        .calls()
                        .getFirst();
        assertEquals("abcdefghi", call.id().orElseThrow());
        assertEquals(Map.of(), call.named());
    }

    /// Garbage of many kinds takes a time that grows with its length alone.
    @Test
    void readsGarbageInTime() {
        for (Family family : Families.all()) {
            var parser = new FormatParser(family.format(List.of("<eos>"), List.of("H")));
            for (String bit :
                    List.of(
                            "<tool_call>",
                            "<tool_call>{\"</tool_call>",
                            "{\"name\": \"",
                            "[a(",
                            "\"",
                            "<｜tool▁call▁begin｜>\"",
                            "<|message|>",
                            "[TOOL_CALLS]{",
                            "x",
                            "\n")) {
                parser.parse("", bit.repeat(50_000 / bit.length()));
            }
        }
    }
}
