package org.attune.agents.gateway;

import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;

/// What an agent's program does, for the one thread that leads its episode: requests, one after the
/// other, and its end.
public final class AgentRequests implements Gateway.Answering, AutoCloseable {
    private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private volatile boolean closed;

    /// What a program does.
    public sealed interface Event {
        /// It asks, and waits for [#answer] or [#refuse].
        record Asked(ModelRequest request, CompletableFuture<ModelReply> reply) implements Event {
            public void answer(ModelReply value) {
                reply.complete(value);
            }

            public void refuse(RequestException why) {
                reply.completeExceptionally(why);
            }
        }

        /// It ended well.
        record Ended(AgentEnd end) implements Event {}

        /// It failed, or took too long.
        record Failed(IOException why) implements Event {}
    }

    /// Waits for the next event, without limit: the program itself has one.
    public Event take() throws InterruptedException {
        return events.take();
    }

    /// Tells of a program's end as soon as it comes.
    public void follow(AgentProcess process) {
        Thread.ofVirtual()
                .name("agent-end")
                .start(
                        () -> {
                            try {
                                events.add(new Event.Ended(process.await()));
                            } catch (IOException e) {
                                events.add(new Event.Failed(e));
                            } catch (InterruptedException e) {
                                events.add(new Event.Failed(new IOException("interrupted", e)));
                            }
                        });
    }

    @Override
    public ModelReply answer(ModelRequest request) throws RequestException, InterruptedException {
        var asked = new Event.Asked(request, new CompletableFuture<>());
        events.add(asked);
        if (closed) {
            refuseAll();
        }
        try {
            return asked.reply().get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RequestException refused
                    ? refused
                    : new RequestException(500, "failed", String.valueOf(e.getCause()));
        }
    }

    private void refuseAll() {
        Optional<Event> event;
        while ((event = Optional.ofNullable(events.poll())).isPresent()) {
            if (event.get() instanceof Event.Asked asked) {
                asked.refuse(new RequestException(503, "episode_over", "the episode is over"));
            }
        }
    }

    /// Refuses what still waits.
    @Override
    public void close() {
        closed = true;
        refuseAll();
    }
}
