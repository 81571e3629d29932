//! The pages of `docs/guide`, so that doc tests compile their code.

macro_rules! pages {
    ($($name:ident),+ $(,)?) => { $(
        #[doc = include_str!(concat!("../../../docs/guide/", stringify!($name), ".md"))]
        mod $name {}
    )+ };
}

pages!(access, aws, backends, cache, deploy, errors, keys, migrate, open, secrets, server);
