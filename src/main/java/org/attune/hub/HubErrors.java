package org.attune.hub;

import org.attune.error.HubException;
import org.attune.files.HubCache;
import org.attune.http.PatientPost;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/// What went wrong at the Hub, and what to do.
final class HubErrors {
    private HubErrors() {}

    /// The error for a reply that refuses.
    static HubException of(HubReply reply, HubRepository about, HubSettings settings) {
        String code = reply.header("X-Error-Code").orElse("");
        String what = kind(about) + " " + about + " at " + settings.endpoint().getHost();
        boolean token = settings.token().isPresent();
        return new HubException(
                switch (reply.status()) {
                    case 401, 403 -> refused(reply, about, settings, code, what, token);
                    case 404 -> missing(about, code, what, token);
                    case 429 ->
                            "%s: too many requests (429); try again later%s"
                                    .formatted(
                                            what,
                                            token ? "" : ", or set HF_TOKEN, which allows more");
                    default ->
                            "%s: status %d: %s%s"
                                    .formatted(
                                            what,
                                            reply.status(),
                                            said(reply),
                                            reply.status() >= 500
                                                    ? "; try again later: what is downloaded stays"
                                                    : "");
                });
    }

    private static String refused(
            HubReply reply,
            HubRepository about,
            HubSettings settings,
            String code,
            String what,
            boolean token) {
        if (code.equals("GatedRepo")) {
            String ask = "ask for access at " + settings.page(about);
            return "%s is gated (%d): %s%s"
                    .formatted(
                            what,
                            reply.status(),
                            ask,
                            token
                                    ? " with the account whose token is set"
                                    : ", and set HF_TOKEN to a token of that account");
        }
        if (token) {
            return "%s: the token is refused (%d): %s; set HF_TOKEN to one that may do this"
                    .formatted(what, reply.status(), said(reply));
        }
        return "%s: not found, or private (%d); check the name%s, or set HF_TOKEN to a token that may read it"
                .formatted(what, reply.status(), otherKind(about));
    }

    private static String missing(HubRepository about, String code, String what, boolean token) {
        return switch (code) {
            case "RevisionNotFound" ->
                    "%s: there is no revision %s; name a branch, a tag or a commit"
                            .formatted(what, about.revision());
            case "EntryNotFound" -> what + ": a file that it lists is not there; try again later";
            default ->
                    "%s: not found (404); check the name%s%s"
                            .formatted(
                                    what,
                                    otherKind(about),
                                    token ? ", and that the token may read it" : "");
        };
    }

    private static String otherKind(HubRepository about) {
        return about.kind() == HubCache.Kind.DATASETS ? "" : " (data sets are named in datasets)";
    }

    /// The error for a server that isn't there.
    static HubException unreachable(
            String problem, HubRepository about, HubSettings settings, IOException cause) {
        return new HubException(
                "%s: %s can't be reached: %s; what is downloaded stays. HF_ENDPOINT names another server, HF_HUB_OFFLINE=1 asks none"
                        .formatted(about, settings.endpoint(), problem),
                cause);
    }

    /// The error for a repository that may not be asked for.
    static HubException offline(HubRepository about, HubCache cache) {
        return new HubException(
                "%s %s is not in the cache %s, and HF_HUB_OFFLINE is set; unset it, or run `attune download %s%s` where there is a network and copy the folder"
                        .formatted(
                                kind(about),
                                about,
                                cache.root(),
                                about.kind() == HubCache.Kind.DATASETS ? "--dataset " : "",
                                about));
    }

    /// When the server says that it may be asked again.
    static Optional<Duration> retryAfter(HubReply reply) {
        return reply.header("Retry-After")
                .filter(seconds -> seconds.matches("\\d{1,4}"))
                .map(seconds -> Duration.ofSeconds(Long.parseLong(seconds)));
    }

    private static String kind(HubRepository about) {
        return about.kind() == HubCache.Kind.DATASETS ? "data set" : "model";
    }

    private static String said(HubReply reply) {
        Optional<String> message = reply.header("X-Error-Message");
        try {
            return PatientPost.start(message.isPresent() ? message.get() : reply.text());
        } catch (IOException e) {
            return "(nothing)";
        }
    }
}
