package org.attune.text.parse.family;

import static org.attune.text.parse.family.Family.block;
import static org.attune.text.parse.family.Family.rest;

import org.attune.text.parse.turn.Mark;
import org.attune.text.parse.turn.PythonPattern;
import org.attune.text.parse.turn.Quote;

import java.util.List;
import java.util.stream.Stream;

/// The forms that are known.
public final class Families {
    private static final List<String> CHAT_ENDS = List.of("<|im_end|>", "<|endoftext|>");

    /// Qwen, Hermes, SmolLM 3: JSON between `<tool_call>` and `</tool_call>`. Qwen 3 Coder, 3.5 and
    /// Nemotron 3 write tags there instead, GLM 4.5 keys and values.
    public static final Family TOOL_CALL =
            Family.of(
                            "tool_call",
                            "<tool_call>",
                            List.of("<|im_end|>", "<|endoftext|>", "<|user|>", "<|observation|>"),
                            block(
                                    "<tool_call>",
                                    "</tool_call>",
                                    TaggedCalls.QUOTES,
                                    TaggedCalls::read))
                    .withHeaders("<|im_start|>assistant\n", "<|assistant|>");

    /// gpt-oss.
    public static final Family HARMONY =
            new Family(
                    "harmony",
                    List.of("to=functions", "<|channel|>commentary"),
                    List.of(),
                    List.of("<|return|>"),
                    List.of("<|start|>assistant"),
                    List.of(
                            "<|start|>",
                            "<|channel|>",
                            "<|constrain|>",
                            "<|message|>",
                            "<|end|>",
                            "<|call|>"),
                    "thinking",
                    List.of(Harmony.MESSAGE));

    /// LFM 2.
    public static final Family LFM =
            Family.of(
                            "lfm2",
                            "<|tool_call_start|>",
                            CHAT_ENDS,
                            block(
                                    "<|tool_call_start|>",
                                    "<|tool_call_end|>",
                                    Quote.PYTHON,
                                    PythonCalls::read))
                    .withThoughts(List.of(List.of("<think>", "</think>")), "thinking")
                    .withSigns("<|tool_call_start|>", "<|tool_list_start|>")
                    .withHeaders("<|im_start|>assistant\n");

    /// Llama 3.1 to 3.3.
    public static final Family LLAMA_3 =
            Family.of(
                            "llama3",
                            "<|python_tag|>",
                            List.of("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"),
                            rest(Mark.of("<|python_tag|>"), Quote.JSON, LlamaCalls::readTagged),
                            rest(
                                    pattern(
                                            "(?=\\[?\\s{0,20}\\{\\s{0,20}\"(?:name|type|function"
                                                    + "|parameters|arguments|id)\"\\s{0,20}:)"),
                                    Quote.JSON,
                                    LlamaCalls::readObjects))
                    .withHeaders("<|start_header_id|>assistant<|end_header_id|>\n\n");

    /// Llama 4.
    public static final Family LLAMA_4 =
            Family.of(
                            "llama4",
                            "<|python_start|>",
                            List.of("<|eot|>", "<|eom|>", "<|eot_id|>"),
                            block(
                                    "<|python_start|>",
                                    "<|python_end|>",
                                    Quote.PYTHON,
                                    PythonCalls::read),
                            rest(
                                    pattern("(?=\\[\\s{0,20}[A-Za-z_][\\w.-]{0,100}\\()"),
                                    List.of(),
                                    PythonCalls::readWithRest))
                    .withHeaders("<|header_start|>assistant<|header_end|>\n\n");

    private static final Family OLMO =
            Family.of(
                            "olmo3",
                            "<function_calls>",
                            CHAT_ENDS,
                            block(
                                    "<function_calls>",
                                    "</function_calls>",
                                    Quote.PYTHON,
                                    PythonCalls::read))
                    .withHeaders("<|im_start|>assistant\n");

    private static final Family MISTRAL =
            Family.of(
                            "mistral",
                            "[TOOL_CALLS]",
                            List.of("</s>"),
                            rest(Mark.of("[TOOL_CALLS]"), Quote.JSON, MarkedCalls::readMistral))
                    .withThoughts(
                            List.of(List.of("[THINK]", "[/THINK]"), List.of("<think>", "</think>")),
                            "reasoning_content")
                    .withHeaders("[/INST]");

    private static final Family DEEPSEEK =
            Family.of(
                            "deepseek",
                            "<｜tool▁call▁begin｜>",
                            List.of("<｜end▁of▁sentence｜>", "<｜User｜>"),
                            block(
                                    "<｜tool▁call▁begin｜>",
                                    "<｜tool▁call▁end｜>",
                                    Quote.JSON,
                                    MarkedCalls::readDeepSeek))
                    .withHeaders("<｜Assistant｜>")
                    .withSkipped("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>");

    private static final Family KIMI =
            Family.of(
                            "kimi",
                            "<|tool_call_argument_begin|>",
                            List.of("<|im_end|>", "[EOS]"),
                            block(
                                    "<|tool_call_begin|>",
                                    "<|tool_call_end|>",
                                    Quote.JSON,
                                    MarkedCalls::readKimi))
                    .withThoughts(
                            List.of(List.of("<think>", "</think>"), List.of("◁think▷", "◁/think▷")),
                            "reasoning_content")
                    .withHeaders("<|im_assistant|>assistant<|im_middle|>")
                    .withSkipped("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>");

    private static final Family MINIMAX =
            Family.of(
                            "minimax",
                            "<minimax:tool_call>",
                            List.of("[e~["),
                            block(
                                    "<minimax:tool_call>",
                                    "</minimax:tool_call>",
                                    TaggedCalls.QUOTES,
                                    TaggedCalls::readInvocations))
                    .withHeaders("]~b]ai\n");

    private static final Family SEED =
            Family.of(
                            "seed",
                            "<seed:tool_call>",
                            List.of("<seed:eos>"),
                            block(
                                    "<seed:tool_call>",
                                    "</seed:tool_call>",
                                    TaggedCalls.QUOTES,
                                    TaggedCalls::readInOneLine))
                    .withThoughts("<seed:think>", "</seed:think>")
                    .withHeaders("<seed:bos>assistant\n");

    private static final Family GEMMA =
            Family.of(
                            "gemma4",
                            "<|tool_call>call:",
                            List.of("<turn|>", "<|tool_response>", "<eos>"),
                            block(
                                    "<|tool_call>",
                                    "<tool_call|>",
                                    GemmaCalls.QUOTES,
                                    GemmaCalls::read))
                    .withThoughts("<|channel>thought\n", "<channel|>")
                    .withHeaders("<|turn>model\n", "<tool_response|>");

    private static final Family APERTUS =
            Family.of(
                            "apertus",
                            "<|tools_prefix|>",
                            List.of("<|assistant_end|>"),
                            block(
                                    "<|tools_prefix|>",
                                    "<|tools_suffix|>",
                                    Quote.JSON,
                                    JsonCalls::readByName))
                    .withThoughts("<|inner_prefix|>", "<|inner_suffix|>")
                    .withHeaders("<|assistant_start|>");

    private static final Family INTERNLM =
            Family.of(
                            "internlm2",
                            "<|action_start|>",
                            CHAT_ENDS,
                            block(
                                    "<|action_start|><|plugin|>",
                                    "<|action_end|>",
                                    Quote.PYTHON,
                                    JsonCalls::readMixed))
                    .withHeaders("<|im_start|>assistant\n");

    private static final Family NEMOTRON_2 =
            Family.of(
                            "nemotron2",
                            "<TOOLCALL>",
                            List.of("<SPECIAL_12>"),
                            block("<TOOLCALL>", "</TOOLCALL>", Quote.JSON, JsonCalls::read))
                    .withThoughts("", "</think>")
                    .withSkipped("<think>")
                    .withHeaders("<SPECIAL_11>Assistant\n");

    private static final Family COMMAND =
            Family.of(
                            "command",
                            "<|START_ACTION|>",
                            List.of("<|END_OF_TURN_TOKEN|>"),
                            block(
                                    "<|START_ACTION|>",
                                    "<|END_ACTION|>",
                                    Quote.JSON,
                                    JsonCalls::read),
                            block("Action: ```json\n", "```", Quote.JSON, JsonCalls::read),
                            block("Action:```json\n", "```", Quote.JSON, JsonCalls::read),
                            block("Action:\n```json\n", "```", Quote.JSON, JsonCalls::read))
                    .withThoughts("<|START_THINKING|>", "<|END_THINKING|>")
                    .withHeaders("<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>")
                    .withSkipped("<|START_RESPONSE|>", "<|END_RESPONSE|>");

    private static final Family PHI =
            Family.of(
                            "phi4",
                            "functools[",
                            List.of("<|end|>", "<|endoftext|>"),
                            block("<|tool_call|>", "<|/tool_call|>", Quote.JSON, JsonCalls::read),
                            rest(pattern("functools(?=\\[)"), Quote.JSON, JsonCalls::read))
                    .withHeaders("<|assistant|>");

    private static final Family GRANITE =
            Family.of(
                            "granite",
                            "<|tool_call|>",
                            List.of("<|end_of_text|>"),
                            rest(Mark.of("<|tool_call|>"), Quote.JSON, JsonCalls::read))
                    .withHeaders("<|start_of_role|>assistant<|end_of_role|>");

    private static final Family FUNCTIONARY =
            Family.of(
                            "functionary",
                            ">>>all",
                            List.of("<|eot_id|>"),
                            rest(pattern("\\A(?=[\\s\\S])"), Quote.JSON, FunctionaryCalls::read))
                    .withHeaders("<|start_header_id|>assistant<|end_header_id|>\n\n>>>");

    /// Models that write no calls.
    public static final Family PLAIN = Family.of("plain", "", CHAT_ENDS);

    private Families() {}

    /// All that write calls. Those that share a mark with another come after it.
    public static List<Family> all() {
        return Stream.of(
                        HARMONY,
                        LFM,
                        DEEPSEEK,
                        KIMI,
                        MINIMAX,
                        SEED,
                        GEMMA,
                        APERTUS,
                        INTERNLM,
                        NEMOTRON_2,
                        COMMAND,
                        MISTRAL,
                        OLMO,
                        PHI,
                        GRANITE,
                        TOOL_CALL,
                        LLAMA_4,
                        LLAMA_3,
                        FUNCTIONARY)
                .toList();
    }

    private static Mark pattern(String expression) {
        return Mark.of(PythonPattern.compile(expression));
    }
}
