package org.attune.files;

import java.nio.file.Path;
import java.util.Map;

/// Where Attune keeps what can be computed again, for all runs of a user.
public final class UserCache {
    private UserCache() {}

    /// A folder of the user's cache.
    ///
    /// @param what is kept there
    public static Path folder(String what) {
        return folder(what, System.getenv(), Path.of(System.getProperty("user.home")));
    }

    /// `XDG_CACHE_HOME/attune/WHAT`, else `~/.cache/attune/WHAT`.
    public static Path folder(String what, Map<String, String> environment, Path home) {
        String caches = environment.getOrDefault("XDG_CACHE_HOME", "");
        return (caches.isEmpty() ? home.resolve(".cache") : Path.of(caches))
                .resolve("attune")
                .resolve(what);
    }
}
