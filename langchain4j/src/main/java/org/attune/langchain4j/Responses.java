package org.attune.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;

import org.attune.serve.LocalAnswer;
import org.attune.serve.LocalAnswer.Reply;

import java.util.Map;

/// Writes answers as LangChain4j has them.
final class Responses {
    private Responses() {}

    /// @throws TimeoutException if its time was over
    static ChatResponse of(Reply reply) {
        FinishReason reason =
                switch (reply.end()) {
                    case STOP -> FinishReason.STOP;
                    case CALLS -> FinishReason.TOOL_EXECUTION;
                    case LENGTH -> FinishReason.LENGTH;
                    case CANCELLED -> FinishReason.OTHER;
                    case TIME ->
                            throw new TimeoutException(
                                    "the time was over after %d tokens; the answer so far: %s"
                                            .formatted(reply.tokens(), reply.text()));
                };
        boolean callsOnly = reply.text().isEmpty() && !reply.calls().isEmpty();
        AiMessage message =
                AiMessage.builder()
                        .text(callsOnly ? null : reply.text())
                        .thinking(reply.reasoning().isEmpty() ? null : reply.reasoning())
                        .toolExecutionRequests(
                                reply.calls().stream().map(Responses::request).toList())
                        .attributes(
                                reply.logProbs().isEmpty()
                                        ? Map.of()
                                        : Map.of("logprobs", reply.logProbs()))
                        .build();
        return ChatResponse.builder()
                .aiMessage(message)
                .metadata(
                        ChatResponseMetadata.builder()
                                .id(reply.id())
                                .modelName(reply.model())
                                .tokenUsage(new TokenUsage(reply.promptTokens(), reply.tokens()))
                                .finishReason(reason)
                                .build())
                .build();
    }

    static ToolExecutionRequest request(LocalAnswer.ToolCall call) {
        return ToolExecutionRequest.builder()
                .id(call.id())
                .name(call.name())
                .arguments(call.arguments())
                .build();
    }
}
