package org.attune.agents.sandbox;

import static org.attune.agents.sandbox.JailStep.LANDLOCK;
import static org.attune.agents.sandbox.JailStep.LIMITS;
import static org.attune.agents.sandbox.JailStep.NAMESPACES;
import static org.attune.agents.sandbox.JailStep.PRIVILEGES;
import static org.attune.agents.sandbox.JailStep.SECCOMP;

import org.attune.agents.sandbox.Guarantees.Claim;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What each guarantee rests on. One that lacks any of its means is not given at all.
final class Mechanisms {
    private static final Map<Guarantee, List<Set<JailStep>>> KEPT_BY =
            Map.of(
                    Guarantee.FILES,
                    List.of(
                            Set.of(NAMESPACES, PRIVILEGES, SECCOMP),
                            Set.of(LANDLOCK, PRIVILEGES, SECCOMP)),
                    Guarantee.NETWORK,
                    List.of(Set.of(PRIVILEGES, SECCOMP)),
                    Guarantee.MEMORY,
                    List.of(Set.of(LIMITS, PRIVILEGES, SECCOMP)),
                    Guarantee.PROCESSES,
                    List.of(Set.of(NAMESPACES, PRIVILEGES, SECCOMP)),
                    Guarantee.DISK,
                    List.of(Set.of(NAMESPACES, LIMITS, PRIVILEGES, SECCOMP)));

    /// Begins the reason that an administrator can often do something about.
    static final String NO_NAMESPACES = "the system gives programs no namespaces";

    private final Jails jails;
    private final Map<JailStep, String> refused = new EnumMap<>(JailStep.class);

    Mechanisms(Jails jails) {
        this.jails = jails;
    }

    /// Goes another way to a step that the system refuses, or without it.
    void avoid(JailException refusal) {
        refused.put(refusal.step(), refusal.getMessage());
        jails.avoid(refusal.step());
    }

    /// @param means what to call what keeps it
    /// @param escapes ways around it that a program found
    Claim claim(Guarantee of, String means, List<String> escapes) {
        Optional<String> missing = missing(of);
        if (missing.isPresent()) {
            return Claim.not(missing.get());
        }
        return escapes.isEmpty()
                ? Claim.by(means)
                : Claim.not("a program in it " + String.join(", ", escapes));
    }

    /// Why a guarantee can't be given here, if it can't.
    private Optional<String> missing(Guarantee of) {
        List<Set<JailStep>> ways = KEPT_BY.get(of);
        if (ways.stream().anyMatch(way -> way.stream().allMatch(jails::takes))) {
            return Optional.empty();
        }
        List<String> reasons = new ArrayList<>();
        for (JailStep step : JailStep.values()) {
            if (!jails.takes(step) && ways.stream().anyMatch(way -> way.contains(step))) {
                reasons.add(reason(step));
            }
        }
        return Optional.of(String.join("; ", reasons));
    }

    private String reason(JailStep step) {
        String why = refused.containsKey(step) ? ": " + refused.get(step) : "";
        return switch (step) {
            case NAMESPACES -> NO_NAMESPACES + why;
            case LANDLOCK -> "this kernel has no Landlock" + why;
            default -> "the system refuses " + step.name() + why;
        };
    }
}
