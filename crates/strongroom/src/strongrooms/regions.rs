//! The regions to serve.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use strongroom_types::Region;

use crate::{Error, ErrorKind};

/// AWS's public regions: those of the partitions `aws`, `aws-cn` and `aws-us-gov`.
///
/// Source: `botocore/data/partitions.json` of botocore 1.44.8, which includes announced regions.
/// See <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>. AWS's
/// isolated partitions (`aws-iso`, `aws-eusc`, ..) are not public.
const AWS: [&str; 40] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "me-west-1",
    "mx-central-1",
    "sa-east-1",
    "sa-west-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// The regions in which strongrooms can be opened and created.
///
/// Parses from `all`, or from a comma-separated list of region names and `aws`, such as
/// `aws,local-test-1`.
#[derive(Clone, PartialEq, Eq)]
pub struct Regions(Choice);

#[derive(Clone, PartialEq, Eq)]
enum Choice {
    All,
    These(BTreeSet<Region>),
}

impl Regions {
    /// AWS's public regions.
    #[must_use]
    pub fn aws() -> Self {
        Self::only(AWS.iter().filter_map(|name| Region::parse(name).ok()))
    }

    /// Every region name. Any caller that is allowed to create a secret or a key can then create a
    /// strongroom in a region with an invented name.
    #[must_use]
    pub fn all() -> Self {
        Self(Choice::All)
    }

    /// These regions and no others.
    pub fn only(regions: impl IntoIterator<Item = Region>) -> Self {
        Self(Choice::These(regions.into_iter().collect()))
    }

    /// Adds regions.
    #[must_use]
    pub fn with(mut self, regions: impl IntoIterator<Item = Region>) -> Self {
        if let Choice::These(these) = &mut self.0 {
            these.extend(regions);
        }
        self
    }

    /// Whether the region is one of them.
    #[must_use]
    pub fn contains(&self, region: &Region) -> bool {
        match &self.0 {
            Choice::All => true,
            Choice::These(these) => these.contains(region),
        }
    }
}

impl Default for Regions {
    fn default() -> Self {
        Self::aws()
    }
}

impl FromStr for Regions {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut found = BTreeSet::new();
        for name in text.split(',').map(str::trim) {
            match name {
                "all" if text.trim() == name => return Ok(Self::all()),
                "aws" => found.extend(AWS.iter().filter_map(|name| Region::parse(name).ok())),
                name => {
                    let region = Region::parse(name).map_err(|error| {
                        let text = format!(
                            "regions: {name:?} is not a region; give names such as us-east-1 or aws, separated by commas, or only all"
                        );
                        Error::new(ErrorKind::Setup, text).because(error)
                    })?;
                    found.insert(region);
                }
            }
        }
        Ok(Self::only(found))
    }
}

impl fmt::Debug for Regions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Choice::All => f.write_str("Regions(all)"),
            Choice::These(these) => write!(f, "Regions({these:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str) -> Region {
        Region::parse(name).unwrap()
    }

    #[test]
    fn awss_list_is_sorted_and_every_name_in_it_is_a_region() {
        assert!(AWS.is_sorted());
        assert!(AWS.iter().all(|name| Regions::aws().contains(&region(name))));
        for invented in ["xa-north-1", "us-east-3", "us-iso-east-1"] {
            assert!(!Regions::aws().contains(&region(invented)), "{invented}");
        }
    }

    #[test]
    fn regions_are_read_from_a_list_from_aws_or_from_all() {
        let two: Regions = "eu-west-1, local-test-1".parse().unwrap();
        assert_eq!(two, Regions::only([region("eu-west-1"), region("local-test-1")]));
        assert_eq!("aws".parse::<Regions>().unwrap(), Regions::aws());
        let more: Regions = "aws,local-test-1".parse().unwrap();
        assert_eq!(more, Regions::aws().with([region("local-test-1")]));
        assert!("all".parse::<Regions>().unwrap().contains(&region("x-1")));
        for wrong in ["", "eu-west-1,", "all,eu-west-1", "EU-WEST-1", "*", "eu"] {
            let told = wrong.parse::<Regions>().unwrap_err().to_string();
            assert!(told.contains("regions: "), "{wrong}: {told}");
        }
    }
}
