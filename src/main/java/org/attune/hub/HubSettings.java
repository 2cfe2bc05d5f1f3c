package org.attune.hub;

import org.attune.error.ConfigException;
import org.attune.error.Secrets;
import org.attune.files.HubCache;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Where the Hub is and who asks, by the variables of Hugging Face's own programs.
///
/// @param endpoint `HF_ENDPOINT`, without a slash at its end
/// @param token `HF_TOKEN`, else the file `HF_TOKEN_PATH` or `HF_HOME/token`; sent to the
///     endpoint's host and to no other
/// @param offline `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`: nothing is asked over the network
/// @param timeout `HF_HUB_DOWNLOAD_TIMEOUT`: the longest silence of a server
/// @param pause before the second attempt at something; doubles with each
public record HubSettings(
        URI endpoint, Optional<String> token, boolean offline, Duration timeout, Duration pause) {
    private static final String PUBLIC = "https://huggingface.co";
    private static final Set<String> TRUE = Set.of("1", "on", "yes", "true");
    private static final Duration SILENCE = Duration.ofSeconds(30);
    private static final Duration PAUSE = Duration.ofSeconds(1);

    public HubSettings {
        token.ifPresent(Secrets::learn);
    }

    /// The settings of an environment.
    ///
    /// @throws ConfigException if a variable has a value that can't be understood
    public static HubSettings of(Map<String, String> environment, Path home) {
        String endpoint = environment.getOrDefault("HF_ENDPOINT", "").strip();
        return new HubSettings(
                address(endpoint.isEmpty() ? PUBLIC : endpoint),
                token(environment, home),
                isTrue(environment, "HF_HUB_OFFLINE")
                        || isTrue(environment, "TRANSFORMERS_OFFLINE"),
                seconds(environment.getOrDefault("HF_HUB_DOWNLOAD_TIMEOUT", "").strip()),
                PAUSE);
    }

    /// Reads the settings of this process from its environment.
    public static HubSettings ofEnvironment() {
        return of(System.getenv(), Path.of(System.getProperty("user.home")));
    }

    /// Another token, for what a key of a run gives.
    public HubSettings withToken(Optional<String> other) {
        return new HubSettings(endpoint, other.or(() -> token), offline, timeout, pause);
    }

    private static URI address(String text) {
        URI address = URI.create("about:blank");
        try {
            address = URI.create(text.replaceAll("/+$", ""));
        } catch (IllegalArgumentException e) {
            // told below
        }
        if (address.getHost() == null || !Set.of("http", "https").contains(address.getScheme())) {
            throw new ConfigException(
                    "HF_ENDPOINT is %s; an address such as %s is accepted".formatted(text, PUBLIC));
        }
        return address;
    }

    private static Duration seconds(String text) {
        if (text.isEmpty()) {
            return SILENCE;
        }
        if (!text.matches("[1-9]\\d{0,5}")) {
            throw new ConfigException(
                    "HF_HUB_DOWNLOAD_TIMEOUT is %s; a number of seconds is accepted"
                            .formatted(text));
        }
        return Duration.ofSeconds(Long.parseLong(text));
    }

    private static Optional<String> token(Map<String, String> environment, Path home) {
        if (isTrue(environment, "HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
            return Optional.empty();
        }
        for (String variable : new String[] {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
            String token = environment.getOrDefault(variable, "").strip();
            if (!token.isEmpty()) {
                return Optional.of(token);
            }
        }
        String named = environment.getOrDefault("HF_TOKEN_PATH", "").strip();
        Path file =
                named.isEmpty()
                        ? HubCache.home(environment, home).resolve("token")
                        : Path.of(named);
        try {
            return Files.isRegularFile(file)
                    ? Optional.of(Files.readString(file).strip()).filter(t -> !t.isEmpty())
                    : Optional.empty();
        } catch (IOException e) {
            throw new ConfigException("the token in %s can't be read: %s".formatted(file, e), e);
        }
    }

    /// Asks the Hub whether it answers.
    ///
    /// @return what keeps it from answering; empty if it answers
    public Optional<String> problem() {
        return HubAnswer.problem(this);
    }

    private static boolean isTrue(Map<String, String> environment, String variable) {
        String text = environment.getOrDefault(variable, "").strip();
        return TRUE.contains(text.toLowerCase(Locale.ROOT));
    }

    /// The page of a repository, for messages.
    String page(HubRepository repository) {
        return endpoint
                + "/"
                + (repository.kind() == HubCache.Kind.DATASETS ? "datasets/" : "")
                + repository.name();
    }

    /// Writes the settings without the token.
    @Override
    public String toString() {
        return "%s, %s token%s"
                .formatted(
                        endpoint,
                        token.isPresent() ? "with a" : "without a",
                        offline ? ", offline" : "");
    }
}
