package org.attune.feedback;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.Optional;

/// An answer with one user's judgement of it.
///
/// @param judgement whose user is known wherever one was named
/// @param worse the answer that it is better than, if it is such a judgement and that answer is
///     still there
@Api(EXPERIMENTAL)
public record JudgedAnswer(GivenAnswer answer, Judgement judgement, Optional<GivenAnswer> worse) {}
