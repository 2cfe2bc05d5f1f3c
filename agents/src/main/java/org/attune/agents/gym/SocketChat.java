package org.attune.agents.gym;

import org.attune.error.Secrets;
import org.attune.program.LineProgram;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// A WebSocket over which each text is answered by a text. For one thread at a time.
final class SocketChat implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(SocketChat.class);
    private static final Duration GOODBYE = Duration.ofSeconds(1);

    private final HttpClient client;
    private final WebSocket socket;
    private final Inbox inbox;
    private final Duration timeout;

    private SocketChat(HttpClient client, WebSocket socket, Inbox inbox, Duration timeout) {
        this.client = client;
        this.socket = socket;
        this.inbox = inbox;
        this.timeout = timeout;
    }

    /// @param timeout of the connection and of each answer
    static SocketChat open(URI url, Duration timeout)
            throws IOException, TimeoutException, InterruptedException {
        HttpClient client = HttpClient.newBuilder().connectTimeout(timeout).build();
        var inbox = new Inbox();
        try {
            WebSocket socket =
                    client.newWebSocketBuilder()
                            .buildAsync(url, inbox)
                            .get(timeout.toMillis(), TimeUnit.MILLISECONDS);
            return new SocketChat(client, socket, inbox, timeout);
        } catch (ExecutionException e) {
            client.shutdownNow();
            throw new IOException(
                    "%s: %s".formatted(Secrets.masked(url), e.getCause()), e.getCause());
        } catch (TimeoutException | InterruptedException e) {
            client.shutdownNow();
            throw e;
        }
    }

    /// Sends a text, once.
    ///
    /// @throws IOException if the connection has ended
    String ask(String text) throws IOException, TimeoutException, InterruptedException {
        tell(text);
        Optional<String> answer = inbox.texts.poll(timeout.toMillis(), TimeUnit.MILLISECONDS);
        if (answer == null) {
            throw new TimeoutException(
                    "no answer within %s s".formatted(timeout.toMillis() / 1000.0));
        }
        return answer.orElseThrow(() -> new IOException("the connection has ended"));
    }

    void tell(String text) throws IOException, TimeoutException, InterruptedException {
        try {
            socket.sendText(text, true).get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new IOException("the connection has ended: " + e.getCause(), e.getCause());
        }
    }

    /// Says goodbye, for a moment.
    @Override
    public void close() {
        try {
            WebSocket left =
                    socket.sendClose(WebSocket.NORMAL_CLOSURE, "")
                            .get(GOODBYE.toMillis(), TimeUnit.MILLISECONDS);
            log.debug("{} is closed", left);
        } catch (ExecutionException | TimeoutException e) {
            log.debug("the connection is broken", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        socket.abort();
        client.shutdownNow();
    }

    /// Puts the pieces of texts together. An empty entry is the end.
    private static final class Inbox implements WebSocket.Listener {
        private final BlockingQueue<Optional<String>> texts = new ArrayBlockingQueue<>(16);
        private final StringBuilder piece = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
            piece.append(data);
            if (piece.length() > LineProgram.LONGEST_ANSWER) {
                socket.abort();
                end();
            } else if (last) {
                boolean isTaken = texts.offer(Optional.of(piece.toString()));
                piece.setLength(0);
                if (!isTaken) { // it says more than it is asked
                    socket.abort();
                }
            }
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int status, String reason) {
            end();
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable error) {
            end();
        }

        private void end() {
            boolean isTold = texts.offer(Optional.empty());
            if (!isTold) {
                texts.clear();
                end();
            }
        }
    }
}
