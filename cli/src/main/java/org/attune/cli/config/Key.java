package org.attune.cli.config;

import org.attune.trainers.opening.TrainingMethod;

import java.util.List;

/// A key of a run's file.
///
/// @param name in snake_case
/// @param methods where it is meaningful
/// @param origin the Python class it comes from, `Attune` for our own, `older` for keys that
///     current versions of TRL and transformers no longer have
/// @param foreignDefault the default there, as JSON
/// @param outcome what happens with it here
/// @param note for obeyed keys a remark, possibly empty; else why, or what to use instead
public record Key(
        String name,
        List<TrainingMethod<?, ?>> methods,
        String origin,
        String foreignDefault,
        Outcome outcome,
        String note) {

    /// A key of a command that trains nothing.
    static Key own(String name) {
        return own(name, "");
    }

    /// A key of a command that trains nothing, with its meaning.
    ///
    /// @param note what it means
    static Key own(String name, String note) {
        return new Key(name, List.of(), "Attune", "null", Outcome.OBEYED, note);
    }

    /// What happens with a known key.
    public enum Outcome {
        OBEYED,
        /// Accepted; changes nothing here, which is said in the log.
        NO_EFFECT,
        /// An error that names the replacement, unless the value is the default.
        REFUSED
    }
}
