package org.attune.http;

import org.attune.error.Secrets;
import org.attune.json.Json;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.concurrent.TimeoutException;

/// Posts JSON over HTTP and reads the reply, as [HttpAsk] does.
///
/// @param timeout of one reply, from the request to its last byte
/// @param largest bytes of a reply's body at most
/// @param key sent as bearer token
public record JsonPost(URI url, Duration timeout, long largest, Optional<String> key) {
    /// The address, for messages.
    public String shown() {
        return Secrets.masked(url);
    }

    /// @throws TimeoutException if no whole reply came in time
    /// @throws IOException if the server can't be reached, or its reply isn't whole HTTP
    public ServerReply send(String json)
            throws IOException, TimeoutException, InterruptedException {
        var headers = new LinkedHashMap<String, String>();
        headers.put("Content-Type", "application/json");
        key.ifPresent(secret -> headers.put("Authorization", "Bearer " + secret));
        return new HttpAsk("POST", url, headers, Optional.of(Json.inUtf8(json)), timeout)
                .send(
                        (status, header, body) ->
                                new ServerReply(
                                        status,
                                        header.apply("Retry-After"),
                                        HttpAsk.text(body, header, largest)));
    }
}
