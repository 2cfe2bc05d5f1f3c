package org.attune.agents.gateway;

import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;

/// What an agent's program does, for the one thread that leads its episode: requests, one after the
/// other, and its end.
public final class AgentRequests implements Gateway.Answering, AutoCloseable {
    private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private volatile boolean closed;

    /// What a program does.
    public sealed interface Event {
        /// The program asks, and waits for the reply.
        record Asked(ModelRequest request, PendingReply reply) implements Event {}

        /// The program ended well.
        record Ended(AgentEnd end) implements Event {}

        /// The program failed, or took too long.
        record Failed(IOException why) implements Event {}
    }

    /// Waits for the next event, without limit: the program itself has one.
    public Event take() throws InterruptedException {
        return events.take();
    }

    /// Tells of a program's end as soon as it comes.
    void follow(AgentProcess process) {
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
    public PendingReply ask(ModelRequest request) {
        var reply = new PendingReply();
        events.add(new Event.Asked(request, reply));
        if (closed) {
            refuseAll();
        }
        return reply;
    }

    private void refuseAll() {
        Optional<Event> event;
        while ((event = Optional.ofNullable(events.poll())).isPresent()) {
            if (event.get() instanceof Event.Asked asked) {
                asked.reply()
                        .refuse(new RequestException(503, "episode_over", "the episode is over"));
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
