// SPDX-License-Identifier: GPL-2.0-only
//! Measures spin time on real threads so that the number can be believed.
