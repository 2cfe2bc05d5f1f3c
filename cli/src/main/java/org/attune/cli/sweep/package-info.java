/// The search behind `attune sweep`: which values the next trial has, when one is given up, and the
/// journal from which a sweep goes on.
package org.attune.cli.sweep;
