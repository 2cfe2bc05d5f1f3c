package org.attune.serve;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.RolloutException;
import org.attune.rollout.StopReason;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;

/// The answer to a chat while it is generated. One thread reads it, at its own pace: the engine
/// never waits for it. Any thread may close it. Read it to its end or close it: until then it holds
/// its adapter.
@Api(EXPERIMENTAL)
public final class LocalAnswer implements AutoCloseable {
    private final String id = "chatcmpl-" + UUID.randomUUID();
    private final ChatRequest request;
    private final Generation generation;
    private final Optional<AnswerRecord> kept;
    private final Runnable afterwards;
    private final AtomicBoolean isReleased = new AtomicBoolean();
    private final AnswerMessage message;
    private final LogProbForm logProbForm;
    private final Deque<Piece> pieces = new ArrayDeque<>(); // not yet given out
    private final StringBuilder text = new StringBuilder();
    private final StringBuilder reasoning = new StringBuilder();
    private final List<ToolCall> calls = new ArrayList<>();
    private final List<Map<String, Object>> logProbs = new ArrayList<>();
    private int tokens;
    private Optional<Reply> reply = Optional.empty();
    private Optional<RolloutException> failure = Optional.empty();

    /// A piece of an answer.
    public sealed interface Piece {}

    /// More of the text.
    public record Text(String text) implements Piece {}

    /// More of what the model thinks before it answers.
    public record Reasoning(String text) implements Piece {}

    /// More of a call of a tool.
    ///
    /// @param index of the call within the answer, from 0
    /// @param arguments more of its JSON; empty where the call begins
    public record CallPiece(int index, String id, String name, String arguments) implements Piece {}

    /// A call of a tool.
    ///
    /// @param arguments JSON as the model wrote it
    public record ToolCall(String id, String name, String arguments) {}

    /// Why an answer ended.
    public enum End {
        /// The model ended it, or a text of `stop` did.
        STOP,
        /// The model calls tools.
        CALLS,
        /// `max_tokens`, or the room there is, was used up.
        LENGTH,
        /// The time of the request or of the configuration was over.
        TIME,
        /// The answer was closed before.
        CANCELLED
    }

    /// A whole answer.
    ///
    /// @param model the name of the model or adapter that answered
    /// @param calls of tools, in order
    /// @param stop the text of the request's `stop` that ended it, if one did
    /// @param promptTokens tokens that were read
    /// @param tokens that were generated
    /// @param logProbs an entry for each token as in OpenAI's `logprobs.content`, if asked for
    public record Reply(
            String id,
            String model,
            String text,
            String reasoning,
            List<ToolCall> calls,
            End end,
            Optional<String> stop,
            int promptTokens,
            int tokens,
            List<Map<String, Object>> logProbs) {
        public Reply {
            calls = List.copyOf(calls);
            logProbs = List.copyOf(logProbs);
        }
    }

    /// @param kept keeps the whole answer; empty: nothing does
    /// @param afterwards called once, when it needs its model no more
    LocalAnswer(
            ChatRequest request,
            Generation generation,
            Optional<AnswerRecord> kept,
            Runnable afterwards) {
        this.request = request;
        this.generation = generation;
        this.kept = kept;
        this.afterwards = afterwards;
        message = ChatForm.answer(request);
        logProbForm = new LogProbForm(request.model().tokenizer(), false);
    }

    /// The answer's id, of which there is no second one.
    public String id() {
        return id;
    }

    /// Waits for the next piece.
    ///
    /// @return empty at the end, also once it was closed
    /// @throws RolloutException if the engine failed, or this thread was interrupted; the answer is
    ///     closed then
    public Optional<Piece> next() {
        while (pieces.isEmpty() && !generation.isRead()) {
            try {
                generation.next(Call.LONG).ifPresent(this::take);
            } catch (InterruptedException e) {
                close();
                Thread.currentThread().interrupt();
                throw new RolloutException("interrupted while waiting for an answer", e);
            }
        }
        failure.ifPresent(
                why -> {
                    throw why;
                });
        return Optional.ofNullable(pieces.poll());
    }

    /// Reads what is left, and gives the whole answer.
    ///
    /// @throws RolloutException as [#next]
    public Reply await() {
        while (next().isPresent()) {}
        return reply.orElseThrow();
    }

    private void take(AnswerEvent event) {
        switch (event) {
            case AnswerEvent.Token token -> {
                tokens++;
                if (request.top() >= 0) {
                    logProbs.add(logProbForm.ofChat(token, request.top()));
                }
                message.feed(token.text()).forEach(this::take);
            }
            case AnswerEvent.End(int _, String last, String end, var reason, var stop) -> {
                message.finish(last, end, reason.finishReason()).forEach(this::take);
                reply = Optional.of(whole(end(reason), stop));
                kept.ifPresent(
                        answers ->
                                answers.keep(
                                        id,
                                        List.of(message.message()),
                                        new long[] {tokens},
                                        new String[] {reason.finishReason()}));
                release();
            }
            case AnswerEvent.Failure(int _, var why) -> {
                failure = Optional.of(why);
                release();
            }
        }
    }

    private void take(Map<String, Object> delta) {
        if (delta.get("content") instanceof String more && !more.isEmpty()) {
            text.append(more);
            pieces.add(new Text(more));
        }
        if (delta.get("reasoning_content") instanceof String more) {
            reasoning.append(more);
            pieces.add(new Reasoning(more));
        }
        if (delta.get("tool_calls") instanceof List<?> begun
                && begun.getFirst() instanceof Map<?, ?> call
                && call.get("function") instanceof Map<?, ?> function) {
            if (call.get("id") instanceof String begunId) {
                calls.add(new ToolCall(begunId, (String) function.get("name"), ""));
            }
            ToolCall last = calls.removeLast();
            String more = function.get("arguments") instanceof String given ? given : "";
            calls.add(new ToolCall(last.id(), last.name(), last.arguments() + more));
            pieces.add(new CallPiece(calls.size() - 1, last.id(), last.name(), more));
        }
    }

    private End end(StopReason reason) {
        return switch (reason) {
            case DEADLINE -> End.TIME;
            case CANCELLED -> End.CANCELLED;
            case MAX_TOKENS -> End.LENGTH;
            case STOP_TOKEN, STOP_STRING -> calls.isEmpty() ? End.STOP : End.CALLS;
        };
    }

    private Reply whole(End end, Optional<String> stop) {
        return new Reply(
                id,
                request.model().name(),
                text.toString(),
                reasoning.toString(),
                calls,
                end,
                stop,
                request.prompt().ids().length,
                tokens,
                logProbs);
    }

    private void release() {
        if (isReleased.compareAndSet(false, true)) {
            afterwards.run();
        }
    }

    /// Gives up what is still to come: the answer ends before its next token. Nothing if it has
    /// ended.
    @Override
    public void close() {
        generation.close();
        release();
    }
}
