package org.attune.http;

import java.util.Optional;

/// What a server replied.
///
/// @param status HTTP status, such as 200
/// @param retryAfter the header `Retry-After` as it stands
/// @param body decoded as UTF-8
public record ServerReply(int status, Optional<String> retryAfter, String body) {}
