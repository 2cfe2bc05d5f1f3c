package org.attune.langchain4j;

import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.PartialThinkingContext;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.PartialToolCallContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;

import org.attune.error.AttuneException;
import org.attune.serve.LocalAnswer;
import org.attune.serve.LocalAnswer.CallPiece;
import org.attune.serve.LocalAnswer.Piece;
import org.attune.serve.LocalAnswer.Reasoning;
import org.attune.serve.LocalAnswer.Text;
import org.attune.serve.LocalAnswer.ToolCall;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Optional;
import java.util.function.Supplier;

/// Tells a handler of one answer, on the thread that relays. What the handler throws is told to it
/// as an error, and the answer goes on.
final class StreamRelay {
    private static final Logger LOG = LoggerFactory.getLogger(StreamRelay.class);

    private final StreamingChatResponseHandler handler;
    private Optional<ToolCall> open = Optional.empty(); // the call that is being written
    private int calls; // that were completed

    StreamRelay(StreamingChatResponseHandler handler) {
        this.handler = handler;
    }

    /// Has the answer made and tells of it to its end, or until the handler cancels it.
    void relay(Supplier<LocalAnswer> asking) {
        try (LocalAnswer answer = asking.get()) {
            var handle = new Handle(answer);
            for (var piece = answer.next(); piece.isPresent(); piece = answer.next()) {
                if (handle.isCancelled()) {
                    return;
                }
                tell(piece.get(), handle);
            }
            if (!handle.isCancelled()) {
                ChatResponse response = Responses.of(answer.await());
                completeCall();
                guarded(() -> handler.onCompleteResponse(response));
            }
        } catch (AttuneException e) {
            fail(Problems.of(e));
        } catch (RuntimeException e) {
            fail(e);
        }
    }

    private void tell(Piece piece, Handle handle) {
        switch (piece) {
            case Text(String text) -> {
                completeCall();
                guarded(
                        () ->
                                handler.onPartialResponse(
                                        new PartialResponse(text),
                                        new PartialResponseContext(handle)));
            }
            case Reasoning(String text) ->
                    guarded(
                            () ->
                                    handler.onPartialThinking(
                                            new PartialThinking(text),
                                            new PartialThinkingContext(handle)));
            case CallPiece call -> tell(call, handle);
        }
    }

    private void tell(CallPiece call, Handle handle) {
        if (open.isPresent() && call.index() > calls) {
            completeCall();
        }
        String before = open.map(ToolCall::arguments).orElse("");
        open = Optional.of(new ToolCall(call.id(), call.name(), before + call.arguments()));
        if (!call.arguments().isEmpty()) {
            PartialToolCall partial =
                    PartialToolCall.builder()
                            .index(call.index())
                            .id(call.id())
                            .name(call.name())
                            .partialArguments(call.arguments())
                            .build();
            guarded(() -> handler.onPartialToolCall(partial, new PartialToolCallContext(handle)));
        }
    }

    private void completeCall() {
        if (open.isPresent()) {
            var complete = new CompleteToolCall(calls, Responses.request(open.get()));
            open = Optional.empty();
            calls++;
            guarded(() -> handler.onCompleteToolCall(complete));
        }
    }

    private void guarded(Runnable told) {
        try {
            told.run();
        } catch (RuntimeException e) {
            fail(e);
        }
    }

    private void fail(RuntimeException why) {
        try {
            handler.onError(why);
        } catch (RuntimeException e) {
            LOG.warn("a handler failed while it was told of an error", e);
        }
    }

    private static final class Handle implements StreamingHandle {
        private final LocalAnswer answer;
        private volatile boolean isCancelled;

        Handle(LocalAnswer answer) {
            this.answer = answer;
        }

        @Override
        public void cancel() {
            isCancelled = true;
            answer.close();
        }

        @Override
        public boolean isCancelled() {
            return isCancelled;
        }
    }
}
