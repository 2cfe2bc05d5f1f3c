package org.attune.cli.mcp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.json.Json;

import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;

/// A call of a tool that is being answered. The client may cancel it, from another thread.
final class ToolCall {
    private final Arguments arguments;
    private final Optional<JsonNode> progressToken;
    private final BiConsumer<String, ObjectNode> notify;
    private final CountDownLatch cancelled = new CountDownLatch(1);
    private double told = -1;

    /// @param progressToken by which the client wants to hear how it goes on
    /// @param notify sends a notification: its method and parameters
    ToolCall(
            Arguments arguments,
            Optional<JsonNode> progressToken,
            BiConsumer<String, ObjectNode> notify) {
        this.arguments = arguments;
        this.progressToken = progressToken;
        this.notify = notify;
    }

    Arguments arguments() {
        return arguments;
    }

    void cancel() {
        cancelled.countDown();
    }

    boolean isCancelled() {
        return cancelled.getCount() == 0;
    }

    /// Waits, but not beyond the cancellation.
    void await(long millis) throws InterruptedException {
        cancelled.await(millis, TimeUnit.MILLISECONDS);
    }

    /// Tells the client how far the work is, if it asked and there is more than it was told.
    ///
    /// @param total 0 if it isn't known
    synchronized void progress(double done, double total, String message) {
        if (progressToken.isEmpty() || !(done > told)) {
            return;
        }
        told = done;
        ObjectNode parameters = Json.object();
        parameters.set("progressToken", progressToken.get());
        parameters.put("progress", done);
        if (total > 0) {
            parameters.put("total", total);
        }
        notify.accept("notifications/progress", parameters.put("message", message));
    }
}
