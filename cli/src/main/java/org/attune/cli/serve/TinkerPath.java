package org.attune.cli.serve;

import org.attune.serve.ApiException;

import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// `tinker://RUN/weights/NAME` or `tinker://RUN/sampler_weights/NAME`: the name of a checkpoint. It
/// names a folder of the server's own, and nothing else.
///
/// @param run id of an adapter's training
/// @param kind `weights` or `sampler_weights`
/// @param name that the client gave it
record TinkerPath(String run, String kind, String name) {
    static final String WEIGHTS = "weights";
    static final String SAMPLER = "sampler_weights";

    private static final Pattern RUN = Pattern.compile("[a-z0-9]{1,40}:train:\\d{1,9}");
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,99}");
    private static final Pattern PATH =
            Pattern.compile("tinker://([^/]*)/(weights|sampler_weights)/([^/]*)");

    /// @throws ApiException if the run or the name is none
    TinkerPath {
        if (!RUN.matcher(run).matches()) {
            throw ApiException.bad("path", "\"%s\" is no training of this server".formatted(run));
        }
        if (!NAME.matcher(name).matches()) {
            throw ApiException.bad(
                    "path",
                    "\"path\" is \"%s\"; accepted: up to 100 letters, digits, . _ -, of which the first is no . or -"
                            .formatted(name));
        }
    }

    /// @param key of the request that holds it
    /// @throws ApiException if it is no such name
    static TinkerPath read(String key, String text) {
        Matcher parts = PATH.matcher(text);
        if (!parts.matches()) {
            throw ApiException.bad(
                    key,
                    "\"%s\" is \"%s\"; accepted: tinker://RUN/weights/NAME or tinker://RUN/sampler_weights/NAME"
                            .formatted(key, text.length() > 200 ? text.substring(0, 200) : text));
        }
        return new TinkerPath(parts.group(1), parts.group(2), parts.group(3));
    }

    /// Where it is kept.
    Path below(Path root) {
        return folder(root, run).resolve(kind).resolve(name);
    }

    /// Where all of a run's checkpoints are kept.
    ///
    /// @throws ApiException if it is no run
    static Path folder(Path root, String run) {
        if (!RUN.matcher(run).matches()) {
            throw ApiException.bad(
                    "model_id", "\"%s\" is no training of this server".formatted(run));
        }
        return root.resolve(run.replace(":train:", "-"));
    }

    @Override
    public String toString() {
        return "tinker://%s/%s/%s".formatted(run, kind, name);
    }
}
