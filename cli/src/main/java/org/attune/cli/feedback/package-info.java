/// `attune feedback`
package org.attune.cli.feedback;
