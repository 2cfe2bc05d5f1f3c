package org.attune.model.source;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.TextAssets;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.List;

/// A real model opened from GGUF and from its Hugging Face folder is the same model.
@Tag("fixtures-smollm2")
class SmolLm2SourceTest {
    @Test
    void ggufAndFolderAgree() {
        String gguf = Fixtures.model("SmolLM2-135M-Instruct.Q4_1.gguf").toString();
        String folder = Fixtures.model("smollm2-hf").toString();
        try (var report = new CaseReport("fixtures-smollm2", getClass());
                ModelSource a = ModelSource.open(gguf);
                ModelSource b = ModelSource.open(folder)) {
            report.run("config", () -> assertEquals(b.config(), a.config()));
            report.run("chat", () -> compareChat(a, b));
        }
    }

    private static void compareChat(ModelSource gguf, ModelSource folder) {
        Conversation hello = Conversation.of(List.of(Message.of("user", "Hello, what is up?")));
        try (TextAssets a = gguf.openText();
                TextAssets b = folder.openText()) {
            String text = a.template().orElseThrow().render(hello, Tail.GENERATION_PROMPT).text();
            assertEquals(
                    b.template().orElseThrow().render(hello, Tail.GENERATION_PROMPT).text(), text);
            assertArrayEquals(b.tokenizer().encode(text, false), a.tokenizer().encode(text, false));
            assertEquals(b.tokenizer().eosId(), a.tokenizer().eosId());
            assertEquals(b.tokenizer().padId(), a.tokenizer().padId());
        }
    }
}
