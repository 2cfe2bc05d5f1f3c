package org.attune.agents.wire;

import org.attune.error.Excerpt;
import org.attune.http.HttpAsk;
import org.attune.http.JsonPost;
import org.attune.http.ServerReply;
import org.attune.json.Json;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.TimeoutException;

/// A server that is posted each request once, many at the same time.
record HttpWire(JsonPost post) implements Wire {
    @Override
    public Reply ask(Map<String, Object> request, int generation)
            throws IOException, TimeoutException, InterruptedException {
        ServerReply reply;
        try {
            reply = post.send(Json.write(request));
        } catch (TimeoutException e) {
            throw (TimeoutException)
                    new TimeoutException(
                                    "%s gave no answer within %s s"
                                            .formatted(
                                                    post.shown(),
                                                    post.timeout().toMillis() / 1000.0))
                            .initCause(e);
        } catch (IOException e) {
            throw new IOException("%s: %s".formatted(post.shown(), HttpAsk.why(post.url(), e)), e);
        }
        if (reply.status() / 100 != 2) {
            throw new IOException(
                    "%s answered with status %d: %s"
                            .formatted(post.shown(), reply.status(), Excerpt.of(reply.body())));
        }
        return new Reply(
                Answers.parse(reply.body().strip())
                        .orElseThrow(
                                () ->
                                        new IOException(
                                                "%s answered no object that is expected: %s"
                                                        .formatted(
                                                                post.shown(),
                                                                Excerpt.of(reply.body())))),
                1);
    }

    @Override
    public void close() {}
}
