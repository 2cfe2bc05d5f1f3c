package org.attune.springai;

import org.attune.serve.LocalAnswer.Reply;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.metadata.ChatGenerationMetadata;
import org.springframework.ai.chat.metadata.ChatResponseMetadata;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.Generation;
import org.springframework.ai.retry.TransientAiException;

import java.util.List;
import java.util.Map;

/// Writes answers as Spring AI has them.
final class Responses {
    private Responses() {}

    /// @throws TransientAiException if its time was over
    static ChatResponse whole(Reply reply) {
        return of(reply, reply.text());
    }

    /// The last piece of a stream: all but the text, which was sent.
    static ChatResponse last(Reply reply) {
        return of(reply, "");
    }

    private static ChatResponse of(Reply reply, String text) {
        String reason =
                switch (reply.end()) {
                    case STOP -> "STOP";
                    case CALLS -> "TOOL_CALLS";
                    case LENGTH -> "LENGTH";
                    case CANCELLED -> "CANCELLED";
                    case TIME ->
                            throw new TransientAiException(
                                    "the time was over after %d tokens; the answer so far: %s"
                                            .formatted(reply.tokens(), reply.text()));
                };
        var message =
                AssistantMessage.builder()
                        .content(text)
                        .properties(thinking(reply.reasoning()))
                        .toolCalls(
                                reply.calls().stream()
                                        .map(
                                                call ->
                                                        new AssistantMessage.ToolCall(
                                                                call.id(),
                                                                "function",
                                                                call.name(),
                                                                call.arguments()))
                                        .toList())
                        .build();
        var generation = ChatGenerationMetadata.builder().finishReason(reason);
        if (!reply.logProbs().isEmpty()) {
            generation.metadata("logprobs", reply.logProbs());
        }
        return new ChatResponse(
                List.of(new Generation(message, generation.build())),
                ChatResponseMetadata.builder()
                        .id(reply.id())
                        .model(reply.model())
                        .usage(new DefaultUsage(reply.promptTokens(), reply.tokens()))
                        .build());
    }

    /// A piece of a stream.
    static ChatResponse piece(String id, String text, String thought) {
        var message =
                AssistantMessage.builder().content(text).properties(thinking(thought)).build();
        return new ChatResponse(
                List.of(new Generation(message)), ChatResponseMetadata.builder().id(id).build());
    }

    private static Map<String, Object> thinking(String thought) {
        return thought.isEmpty() ? Map.of() : Map.of(PromptKeys.THINKING, thought);
    }
}
