package org.attune.springai;

import org.attune.error.AttuneException;
import org.attune.serve.LocalAnswer;
import org.attune.serve.LocalAnswer.CallPiece;
import org.attune.serve.LocalAnswer.Reasoning;
import org.attune.serve.LocalAnswer.Text;
import org.springframework.ai.chat.model.ChatResponse;

import reactor.core.publisher.FluxSink;

import java.util.function.Supplier;

/// Gives the pieces of one answer to a subscriber.
record StreamRelay(FluxSink<ChatResponse> sink) {
    /// Has the answer made and given, on a new thread.
    void start(Supplier<LocalAnswer> asking) {
        Thread.ofVirtual().name("attune-answer").start(() -> relay(asking));
    }

    private void relay(Supplier<LocalAnswer> asking) {
        try (LocalAnswer answer = asking.get()) {
            sink.onDispose(answer::close);
            for (var piece = answer.next(); piece.isPresent(); piece = answer.next()) {
                switch (piece.get()) {
                    case Text(String text) -> sink.next(Responses.piece(answer.id(), text, ""));
                    case Reasoning(String text) ->
                            sink.next(Responses.piece(answer.id(), "", text));
                    case CallPiece _ -> {} // calls are given as a whole, at the end
                }
            }
            sink.next(Responses.last(answer.await()));
            sink.complete();
        } catch (AttuneException e) {
            sink.error(Problems.of(e));
        } catch (RuntimeException e) {
            sink.error(e);
        }
    }
}
