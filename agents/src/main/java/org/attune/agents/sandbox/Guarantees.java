package org.attune.agents.sandbox;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// What a sandbox was seen to guarantee on this machine.
@Api(EXPERIMENTAL)
public final class Guarantees {
    private final Map<Guarantee, Claim> claims;

    Guarantees(Map<Guarantee, Claim> claims) {
        this.claims = new EnumMap<>(claims);
    }

    /// A guarantee that holds, and by what; or that doesn't, and why.
    ///
    /// @param remedies what can be done about it
    record Claim(boolean holds, String text, List<String> remedies) {
        static Claim by(String means) {
            return new Claim(true, means, List.of());
        }

        static Claim not(String reason, List<String> remedies) {
            return new Claim(false, "not guaranteed (" + reason + ")", remedies);
        }
    }

    /// How many processes a program has where nothing in the kernel limits them.
    static final String WATCHED = "looked at as they grow";

    /// Whether programs with too many processes are ended, be it after a moment.
    boolean watchesProcesses() {
        return holds(Guarantee.PROCESSES)
                || claims.get(Guarantee.PROCESSES).text().contains(WATCHED);
    }

    static Guarantees none(String reason, List<String> remedies) {
        Map<Guarantee, Claim> claims = new EnumMap<>(Guarantee.class);
        for (Guarantee guarantee : Guarantee.values()) {
            claims.put(guarantee, Claim.not(reason, remedies));
        }
        return new Guarantees(claims);
    }

    /// Whether the probe found no way around it.
    public boolean holds(Guarantee guarantee) {
        return claims.get(guarantee).holds();
    }

    /// Whether there is none that the probe found a way around.
    public boolean holdAll() {
        return claims.values().stream().allMatch(Claim::holds);
    }

    /// All guarantees in a line, as `files: Landlock ABI 7 · network: seccomp · …`.
    public String line() {
        return claims.entrySet().stream()
                .map(entry -> entry.getKey().key() + ": " + entry.getValue().text())
                .collect(Collectors.joining(" · "));
    }

    /// @throws ConfigException if one of those required is missing; tells which and why
    void require(Set<Guarantee> required) {
        List<String> missing =
                required.stream()
                        .filter(guarantee -> !holds(guarantee))
                        .map(guarantee -> guarantee.key() + ": " + claims.get(guarantee).text())
                        .toList();
        if (!missing.isEmpty()) {
            throw new ConfigException(
                    "the sandbox can't give what 'require' asks for on this machine: %s. Run it where it can, or take %s out of 'require' if the programs may be trusted that far. %s"
                            .formatted(
                                    String.join("; ", missing),
                                    required.stream()
                                            .filter(guarantee -> !holds(guarantee))
                                            .map(Guarantee::key)
                                            .collect(Collectors.joining(", ")),
                                    advice(required))
                            .strip());
        }
    }

    /// What helps where some of these are missing; empty if nothing is known.
    String advice(Set<Guarantee> of) {
        List<String> remedies =
                of.stream()
                        .flatMap(guarantee -> claims.get(guarantee).remedies().stream())
                        .distinct()
                        .toList();
        return remedies.isEmpty() ? "" : "What helps: " + String.join("; ", remedies) + ".";
    }
}
