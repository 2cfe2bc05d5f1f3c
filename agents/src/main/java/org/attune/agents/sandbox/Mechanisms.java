package org.attune.agents.sandbox;

import static org.attune.agents.sandbox.JailStep.LANDLOCK;
import static org.attune.agents.sandbox.JailStep.LIMITS;
import static org.attune.agents.sandbox.JailStep.NAMESPACES;
import static org.attune.agents.sandbox.JailStep.PRIVILEGES;
import static org.attune.agents.sandbox.JailStep.SECCOMP;

import org.attune.agents.sandbox.Guarantees.Claim;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

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
        List<JailStep> missing = missing(of);
        if (!missing.isEmpty()) {
            return Claim.not(
                    missing.stream().map(this::reason).collect(Collectors.joining("; ")),
                    missing.stream().map(new Remedies()::of).toList());
        }
        return escapes.isEmpty()
                ? Claim.by(means)
                : Claim.not("a program in it " + String.join(", ", escapes), List.of());
    }

    /// What a guarantee can't be given without.
    private List<JailStep> missing(Guarantee of) {
        List<Set<JailStep>> ways = KEPT_BY.get(of);
        if (ways.stream().anyMatch(way -> way.stream().allMatch(jails::takes))) {
            return List.of();
        }
        return Stream.of(JailStep.values())
                .filter(step -> !jails.takes(step))
                .filter(step -> ways.stream().anyMatch(way -> way.contains(step)))
                .toList();
    }

    private String reason(JailStep step) {
        String why = refused.containsKey(step) ? ": " + refused.get(step) : "";
        return switch (step) {
            case NAMESPACES -> "the system gives programs no namespaces" + why;
            case LANDLOCK -> "this kernel has no Landlock" + why;
            default -> "the system refuses " + step.name() + why;
        };
    }
}
