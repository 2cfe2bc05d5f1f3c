package org.attune.hub;

import org.attune.error.HubException;
import org.attune.error.StopRequest;
import org.attune.http.HttpAsk;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Asks the Hub. What may pass (429, 5xx, broken connections) is tried again with growing pauses.
/// Redirects are followed; the token goes to the endpoint's own host only. Not for several threads.
///
/// `java.net.http.HttpClient` is not used, for the reason in [org.attune.http.JsonPost].
final class HubClient {
    /// Attempts at one request.
    static final int ATTEMPTS = 5;

    private static final Logger LOG = LoggerFactory.getLogger(HubClient.class);
    private static final int REDIRECTS = 10;
    private static final int CONNECT_MILLIS = 10_000;
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(60);
    private static final Set<Integer> MOVED = Set.of(301, 302, 303, 307, 308);
    private static final Set<Integer> PASSING = Set.of(408, 429, 500, 502, 503, 504);

    /// A conflict with what is there, and a range beyond a file's end: who asks knows what to do.
    private static final Set<Integer> TOLD = Set.of(409, 416);

    private final HubSettings settings;
    private boolean reached;

    HubClient(HubSettings settings) {
        this.settings = settings;
    }

    HubSettings settings() {
        return settings;
    }

    /// What is sent.
    interface Body {
        /// Bytes that [#writeTo] writes.
        long size();

        void writeTo(OutputStream out) throws IOException;

        /// Text as a body.
        static Body of(byte[] bytes) {
            return new Body() {
                @Override
                public long size() {
                    return bytes.length;
                }

                @Override
                public void writeTo(OutputStream out) throws IOException {
                    out.write(bytes);
                }
            };
        }
    }

    /// Gets an address.
    ///
    /// @param about what messages call it
    HubReply get(URI url, Map<String, String> headers, HubRepository about) {
        return send("GET", url, headers, Optional.empty(), about);
    }

    /// Posts JSON, or lines of JSON.
    ///
    /// @return a reply with a status below 300, or 409: what is to be made is there already
    HubReply post(URI url, String type, byte[] body, HubRepository about) {
        Map<String, String> headers = Map.of("Content-Type", type, "Accept", type);
        return send("POST", url, headers, Optional.of(Body.of(body)), about);
    }

    /// Sends a request until it succeeds or can't.
    ///
    /// @return a reply with a status below 300, or one of [#TOLD]
    /// @throws HubException that says what to do
    HubReply send(
            String method,
            URI url,
            Map<String, String> headers,
            Optional<Body> body,
            HubRepository about) {
        for (int attempt = 1; ; attempt++) {
            StopRequest.check();
            Duration pause = settings.pause().multipliedBy(1L << (attempt - 1));
            String problem;
            try {
                HubReply reply = follow(method, url, headers, body);
                reached = true;
                if (reply.status() < 300 || TOLD.contains(reply.status())) {
                    return reply;
                }
                try (reply) {
                    if (!PASSING.contains(reply.status()) || attempt == ATTEMPTS) {
                        throw HubErrors.of(reply, about, settings);
                    }
                    problem = "status " + reply.status();
                    pause = HubErrors.retryAfter(reply).orElse(pause);
                }
            } catch (InterruptedIOException e) {
                problem = "no answer in " + settings.timeout().toSeconds() + " s";
                endIf(attempt == ATTEMPTS, problem, about, e);
            } catch (IOException e) {
                problem = HttpAsk.why(url, e);
                endIf(!reached || attempt == ATTEMPTS, problem, about, e);
            }
            LOG.warn("attempt {} of {}: {}: {}", attempt, ATTEMPTS, url.getHost(), problem);
            sleep(pause);
        }
    }

    private void endIf(boolean last, String problem, HubRepository about, IOException cause) {
        if (last) {
            throw HubErrors.unreachable(problem, about, settings, cause);
        }
    }

    /// Waits before another attempt; a wish to stop ends it.
    void sleep(Duration pause) {
        Duration left = pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
        long end = System.nanoTime() + left.toNanos();
        while (System.nanoTime() < end) {
            StopRequest.check();
            try {
                Thread.sleep(Math.min(100, Math.max(1, (end - System.nanoTime()) / 1_000_000)));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new HubException("interrupted while the Hub was waited for", e);
            }
        }
    }

    private HubReply follow(
            String method, URI first, Map<String, String> headers, Optional<Body> body)
            throws IOException {
        URI url = first;
        for (int i = 0; i <= REDIRECTS; i++) {
            HubReply reply = once(method, url, headers, body);
            Optional<String> next = reply.header("Location");
            if (!MOVED.contains(reply.status()) || next.isEmpty()) {
                return reply;
            }
            reply.close();
            url = target(url, next.get());
        }
        throw new HubException(
                "%s leads from one address to the next more than %d times; is HF_ENDPOINT right?"
                        .formatted(first.getHost(), REDIRECTS));
    }

    private static URI target(URI from, String location) throws IOException {
        try {
            URI to = from.resolve(location);
            boolean safe = "https".equals(to.getScheme()) || "http".equals(from.getScheme());
            if (to.getHost() != null && safe) {
                return to;
            }
        } catch (IllegalArgumentException e) {
            // told below
        }
        throw new IOException(from.getHost() + " leads to an address that can't be followed");
    }

    private HubReply once(String method, URI url, Map<String, String> headers, Optional<Body> body)
            throws IOException {
        var connection = (HttpURLConnection) url.toURL().openConnection();
        connection.setRequestMethod(method);
        connection.setInstanceFollowRedirects(false);
        connection.setUseCaches(false);
        connection.setConnectTimeout(CONNECT_MILLIS);
        connection.setReadTimeout((int) settings.timeout().toMillis());
        connection.setRequestProperty("User-Agent", "attune");
        connection.setRequestProperty("Accept-Encoding", "identity"); // ranges are of the content
        headers.forEach(connection::setRequestProperty);
        if (isOwn(url)) {
            settings.token()
                    .ifPresent(t -> connection.setRequestProperty("Authorization", "Bearer " + t));
        }
        if (body.isPresent()) {
            connection.setDoOutput(true);
            connection.setFixedLengthStreamingMode(body.get().size());
            try (OutputStream out = connection.getOutputStream()) {
                body.get().writeTo(out);
            }
        }
        int status = connection.getResponseCode();
        if (status < 0) {
            throw new IOException("the reply is no HTTP");
        }
        return new HubReply(url, status, connection);
    }

    /// Whether an address is the endpoint's: only there the token may go.
    private boolean isOwn(URI url) {
        URI own = settings.endpoint();
        return own.getScheme().equals(url.getScheme())
                && own.getHost().equalsIgnoreCase(url.getHost())
                && own.getPort() == url.getPort();
    }
}
