package org.attune.serve;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.AttuneException;
import org.attune.json.Json;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// A request that can't be answered, with what its sender reads: OpenAI's form of errors.
@Api(EXPERIMENTAL)
public final class ApiException extends AttuneException {
    private static final long serialVersionUID = 1;

    private final int status;
    private final String code;
    private final String param; // or null

    /// @param status of HTTP
    /// @param code as OpenAI's errors have one, `context_length_exceeded` for instance
    ApiException(int status, String code, String message) {
        this(status, code, null, message);
    }

    private ApiException(int status, String code, String param, String message) {
        super(message);
        this.status = status;
        this.code = code;
        this.param = param;
    }

    /// A request with a value that isn't accepted.
    ///
    /// @param param the key in question
    static ApiException bad(String param, String message) {
        return new ApiException(400, "invalid_value", param, message);
    }

    static ApiException tooLong(String message) {
        return new ApiException(400, "context_length_exceeded", "messages", message);
    }

    /// The status that HTTP has for it: 404 if no model has the name, 429 if too much waits, 400 if
    /// something isn't accepted, 500 if the engine failed.
    public int status() {
        return status;
    }

    /// What it is called in OpenAI's form: `context_length_exceeded` for instance.
    public String code() {
        return code;
    }

    /// The key of the request that isn't accepted, if it is one.
    public Optional<String> param() {
        return Optional.ofNullable(param);
    }

    /// Seconds after which the request is worth another try.
    Optional<String> retryAfter() {
        return status == 429 || status == 503 ? Optional.of("1") : Optional.empty();
    }

    /// `{"error": {"message", "type", "param", "code"}}`
    String json() {
        Map<String, Object> error = new LinkedHashMap<>();
        error.put("message", getMessage());
        error.put("type", type());
        error.put("param", param);
        error.put("code", code);
        return Json.write(Map.of("error", error));
    }

    private String type() {
        return switch (status) {
            case 401 -> "authentication_error";
            case 403 -> "permission_error";
            case 404 -> "not_found_error";
            case 429 -> "rate_limit_error";
            default -> status < 500 ? "invalid_request_error" : "server_error";
        };
    }
}
