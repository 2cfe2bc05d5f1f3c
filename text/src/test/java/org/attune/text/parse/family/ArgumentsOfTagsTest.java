package org.attune.text.parse.family;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.json.Json;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.turn.FormatParser;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;

/// Forms that write arguments as text between tags: the tool's schema says what type the text is.
class ArgumentsOfTagsTest {
    private static final List<Object> TOOLS =
            List.of(
                    Json.parse(
                            """
                            {"type": "function", "function": {"name": "f", "parameters": {
                              "type": "object",
                              "$defs": {"Ratio": {"type": "number"},
                                        "Loop": {"anyOf": [{"$ref": "#/$defs/Loop"}]}},
                              "properties": {
                                "number": {"type": "number"},
                                "integer": {"type": "integer"},
                                "boolean": {"type": "boolean"},
                                "string": {"type": "string"},
                                "list": {"type": "array", "items": {"type": "number"}},
                                "object": {"type": "object",
                                           "properties": {"x": {"type": "number"}}},
                                "maybe": {"anyOf": [{"type": "number"}, {"type": "null"}]},
                                "either": {"type": ["string", "number"]},
                                "any": {"description": "no type"},
                                "choice": {"enum": [0.25, 0.5]},
                                "word": {"enum": ["0.25", "0.5"]},
                                "fixed": {"const": 0.25},
                                "all": {"allOf": [{"type": "number"}, {"minimum": 0}]},
                                "reference": {"$ref": "#/$defs/Ratio"},
                                "loop": {"$ref": "#/$defs/Loop"},
                                "float": {"type": "float"}}}}}
                            """));

    private static final String GLM =
            "<tool_call>f\n<arg_key>%s</arg_key>\n<arg_value>%s</arg_value>\n</tool_call>";
    private static final String CODER =
            """
            <tool_call>
            <function=f>
            <parameter=%s>
            %s
            </parameter>
            </function>
            </tool_call>\
            """;
    private static final String SEED =
            "<seed:tool_call>\n<function=f>\n<parameter=%s>%s</parameter>\n</function>\n"
                    + "</seed:tool_call>";
    private static final String MINIMAX =
            "<minimax:tool_call>\n<invoke name=\"f\">\n<parameter name=\"%s\">%s</parameter>\n"
                    + "</invoke>\n</minimax:tool_call>";

    private static String argument(String family, String text, List<Object> tools) {
        ParsedTurn turn =
                Families.all().stream()
                        .filter(f -> f.name().equals(family))
                        .map(f -> new FormatParser(f.format(List.of("<eos>"), List.of())))
                        .findFirst()
                        .orElseThrow()
                        .parse("", text, tools);
        assertEquals(List.of(), turn.problems());
        return Json.write(
                turn.calls().getFirst().named().values().stream()
                        .reduce(null, (_, value) -> value));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            textBlock =
                    """
                    number    ~ 0.25        ~ 0.25
                    number    ~ 2           ~ 2
                    number    ~ much        ~ "much"
                    integer   ~ 2.0         ~ 2
                    integer   ~ 0.25        ~ "0.25"
                    boolean   ~ True        ~ true
                    string    ~ 0.25        ~ "0.25"
                    string    ~ null        ~ "null"
                    string    ~ {"x": 1}    ~ "{\\"x\\": 1}"
                    list      ~ ["0.25", 1] ~ [0.25, 1]
                    list      ~ ['0.25']    ~ [0.25]
                    object    ~ {"x": "1"}  ~ {"x": 1}
                    object    ~ [1]         ~ "[1]"
                    maybe     ~ 0.25        ~ 0.25
                    maybe     ~ null        ~ null
                    either    ~ 0.25        ~ 0.25
                    either    ~ half        ~ "half"
                    choice    ~ 0.25        ~ 0.25
                    word      ~ 0.25        ~ "0.25"
                    fixed     ~ 0.25        ~ 0.25
                    all       ~ 0.25        ~ 0.25
                    reference ~ 0.25        ~ 0.25
                    float     ~ 0.25        ~ 0.25
                    loop      ~ 0.25        ~ 0.25
                    any       ~ 0.25        ~ 0.25
                    any       ~ true        ~ true
                    any       ~ None        ~ null
                    any       ~ [1, {}]     ~ [1, {}]
                    any       ~ {'x': True} ~ {"x": true}
                    any       ~ 007         ~ "007"
                    any       ~ 1e999       ~ "1e999"
                    any       ~ NaN         ~ "NaN"
                    any       ~ 1 or 2      ~ "1 or 2"
                    any       ~ "quoted"    ~ "\\"quoted\\""
                    other     ~ 0.25        ~ 0.25
                    """)
    void haveTheTypesOfTheSchema(String parameter, String text, String value) {
        assertEquals(value, argument("tool_call", GLM.formatted(parameter, text), TOOLS), "GLM");
        assertEquals(value, argument("tool_call", CODER.formatted(parameter, text), TOOLS), "Qwen");
        assertEquals(value, argument("seed", SEED.formatted(parameter, text), TOOLS), "Seed");
        assertEquals(
                value, argument("minimax", MINIMAX.formatted(parameter, text), TOOLS), "MiniMax");
        if (parameter.equals("any")) {
            assertEquals(value, argument("tool_call", GLM.formatted("x", text), List.of()));
        }
    }

    /// Llama 4's template puts quotes around numbers, JSON and Python don't: what has a type keeps
    /// it, unless the schema doesn't allow it.
    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            textBlock =
                    """
                    number ~ "0.25"       ~ 0.25
                    number ~ 0.25         ~ 0.25
                    string ~ "0.25"       ~ "0.25"
                    either ~ "0.25"       ~ "0.25"
                    any    ~ "0.25"       ~ "0.25"
                    list   ~ ["0.25"]     ~ [0.25]
                    object ~ {"x": "0.5"} ~ {"x": 0.5}
                    maybe  ~ "null"       ~ null
                    """)
    void keepTheirOwnTypesElsewhere(String parameter, String text, String value) {
        String pythonic = "[f(%s=%s)]<|eot|>".formatted(parameter, text);
        assertEquals(value, argument("llama4", pythonic, TOOLS));
        String json = "{\"name\": \"f\", \"arguments\": {\"%s\": %s}}".formatted(parameter, text);
        assertEquals(value, argument("tool_call", "<tool_call>" + json + "</tool_call>", TOOLS));
        assertEquals(value, argument("llama3", json, TOOLS));
    }
}
