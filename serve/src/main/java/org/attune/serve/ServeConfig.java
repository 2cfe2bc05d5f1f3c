package org.attune.serve;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.models.ModelConfig;
import org.attune.records.CopyMethods;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// What is served, to whom, and within which limits.
///
/// @param model the base model; an adapter that it names is part of it
/// @param name what requests call the model; unset: the last part of its path
/// @param adapters folders of adapters by the names that requests call them
/// @param adapterFolder folder whose adapters requests may load (`/v1/load_lora_adapter`); unset:
///     requests load none
/// @param splits names of adapters that answer requests for the base model, with their shares of
///     its users
/// @param feedback store in which answers and judgements are kept, and whose releases are served: a
///     file, or `postgresql://HOST/DATABASE`; unset: nothing is kept
/// @param redaction made to every text before that store keeps it, from any thread
/// @param host address that is listened at. Any other than the loopback address needs a key
/// @param port 0 takes a free one
/// @param keys who gives one of them in `Authorization: Bearer …` is let in; none: everybody is
/// @param allowedHosts names in the `Host` of requests besides `localhost`, as behind a proxy
/// @param allowedOrigins web pages that may ask, each as browsers name it in `Origin`
/// @param maxNumSeqs most sequences that are generated at once, ≥ 1
/// @param maxModelLen most tokens of prompt and answer; unset: what the model was made for, but
///     [#DEFAULT_LENGTH] at most
/// @param maxWaiting sequences that may wait for their place; more are refused with 429
/// @param timeout after which an answer ends as it is
@Api(EXPERIMENTAL)
@CopyMethods
public record ServeConfig(
        ModelConfig model,
        Optional<String> name,
        Map<String, String> adapters,
        Optional<Path> adapterFolder,
        Map<String, Double> splits,
        Optional<String> feedback,
        UnaryOperator<String> redaction,
        String host,
        int port,
        List<String> keys,
        List<String> allowedHosts,
        List<String> allowedOrigins,
        int maxNumSeqs,
        Optional<Integer> maxModelLen,
        int maxWaiting,
        Duration timeout)
        implements ServeConfigCopies {
    /// Most tokens of a sequence unless said otherwise.
    public static final int DEFAULT_LENGTH = 4096;

    public ServeConfig {
        adapters = Map.copyOf(adapters);
        splits = Collections.unmodifiableMap(new LinkedHashMap<>(splits)); // their order counts
        keys = List.copyOf(keys);
        allowedHosts = List.copyOf(allowedHosts);
        allowedOrigins = List.copyOf(allowedOrigins);
    }

    /// A model for this machine alone, at port 8000.
    public static ServeConfig of(ModelConfig model) {
        return new ServeConfig(
                model,
                Optional.empty(),
                Map.of(),
                Optional.empty(),
                Map.of(),
                Optional.empty(),
                UnaryOperator.identity(),
                "127.0.0.1",
                8000,
                List.of(),
                List.of(),
                List.of(),
                16,
                Optional.empty(),
                256,
                Duration.ofMinutes(10));
    }
}
