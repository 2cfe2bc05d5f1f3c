package org.attune.trainers.opening;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import java.util.stream.IntStream;

class PromptTextTest {
    /// @param tokens those that begin with a bracket are special
    private static String shown(String... tokens) {
        PromptText.Decoding decoding =
                (ids, skip) -> {
                    var text = new StringBuilder();
                    for (int id : ids) {
                        text.append(skip && tokens[id].startsWith("<") ? "" : tokens[id]);
                    }
                    return text.toString();
                };
        return PromptText.of(decoding, IntStream.range(0, tokens.length).toArray());
    }

    @Test
    void messagesStandUnderTheirRoles() {
        String chatMl =
                shown(
                        "<|im_start|>",
                        "system\nBe brief.",
                        "<|im_end|>",
                        "\n",
                        "<|im_start|>",
                        "user\nuser\n1 + 1?",
                        "<|im_end|>",
                        "\n",
                        "<|im_start|>",
                        "assistant\n");
        assertEquals("system:\nBe brief.\nuser:\nuser\n1 + 1?", chatMl);
        String llama =
                shown(
                        "<|begin_of_text|>",
                        "<|start_header_id|>",
                        "user",
                        "<|end_header_id|>",
                        "\n\nHi",
                        "<|eot_id|>",
                        "<|start_header_id|>",
                        "assistant",
                        "<|end_header_id|>",
                        "\n\n");
        assertEquals("user:\nHi", llama);
        assertEquals("user:\n3 1 2", shown("<|user|>", "3 1", " 2", "<|end|>", "<|assistant|>"));
    }

    @Test
    void plainTextStaysAsItIs() {
        assertEquals("Once upon\na time", shown("<s>", "Once upon", "\na time"));
        assertEquals("", shown("<s>"));
    }
}
