package org.attune.springai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.junit.jupiter.api.Test;
import org.springframework.ai.test.options.AbstractChatOptionsTests;

import java.util.List;
import java.util.Map;

/// What Spring AI asks of options.
class ChatOptionsKitTest
        extends AbstractChatOptionsTests<AttuneChatOptions, AttuneChatOptions.Builder> {
    @Override
    protected Class<AttuneChatOptions> getConcreteOptionsClass() {
        return AttuneChatOptions.class;
    }

    @Override
    protected AttuneChatOptions.Builder readyToBuildBuilder() {
        return AttuneChatOptions.builder()
                .model("a")
                .temperature(0.5)
                .topP(0.9)
                .topK(3)
                .maxTokens(7)
                .frequencyPenalty(0.1)
                .presencePenalty(0.2)
                .stopSequences(List.of("."))
                .toolContext(Map.of("user", "u"))
                .outputSchema("{}")
                .set("seed", 1);
    }

    @Test
    void whatIsLaidOverWins() {
        AttuneChatOptions under = readyToBuildBuilder().build();
        AttuneChatOptions over =
                under.mutate()
                        .combineWith(AttuneChatOptions.builder().maxTokens(1).set("seed", 2))
                        .build();
        assertEquals(1, over.getMaxTokens());
        assertEquals(0.5, over.getTemperature());
        assertEquals(Map.of("seed", 2), over.getKeys());
        assertEquals("{}", over.getOutputSchema());
        assertNotEquals(under, over);
    }
}
