//! Google's dialect: `generateContent`.
